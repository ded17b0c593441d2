"""A community in a database: accounts, images, predictions, posts, likes, follows.

Popularity is uneven: the numbers of posts, followers and likes follow heavy-tailed distributions
(log-normal), posts are spread over a year, and a new post has not yet
gathered its likes.
"""

import bisect
import itertools
import json
import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from common.database.ids import smallest_id
from common.database.session import Sessions

YEAR = 365.0  # days
AT_ONCE = 2_000  # rows a statement
WORDS = ["a", "the", "my", "cat", "dog", "in", "on", "by", "sea", "light", "old", "blue", "first"]
LABELS = {"labels": [{"class_id": 285, "name": "Egyptian cat", "score": 0.6}] * 5, "top_k": 5}
RESULTS = {"classify": LABELS, "caption": {"text": "Probably an Egyptian cat.", "source": "labels"}}
TABLES = {
    "users": "id, name, name_key, email, email_key, password_hash, role, created_at",
    "objects": "sha256, size, media_type, state, created_at",
    "images": "id, owner_id, sha256, file_name, width, height, visibility, posts, created_at",
    "predictions": "id, owner_id, task, image_id, sha256, params, interactive, state,"
    " attempts, failures, lost_claims, result, timings, created_at, deadline_at",
    "posts": "id, owner_id, image_id, text, likes, created_at, updated_at",
    "likes": "post_id, user_id, created_at",
    "follows": "follower_id, followed_id, created_at",
    "share_links": "id, slug, post_id, owner_id, created_at, expires_at",
}


@dataclass(frozen=True, slots=True)
class Size:
    """How many of each."""

    users: int
    posts: int
    likes: int


@dataclass(frozen=True, slots=True)
class Filled:
    """Who and what there is, for the lists to be asked about."""

    users: Sequence[UUID]
    posts: Sequence[UUID]
    popular: UUID  # has the most followers
    busiest: UUID  # has the most posts
    curious: UUID  # follows the most


class Weighted:
    """Draws from `things` with probabilities proportional to their weights."""

    def __init__(self, things: Sequence[UUID], weights: Iterable[float], chance: random.Random):
        self._things, self._chance = things, chance
        self._sums = list(itertools.accumulate(weights))

    def draw(self) -> UUID:
        """One of them."""
        place = bisect.bisect(self._sums, self._chance.random() * self._sums[-1])
        return self._things[min(place, len(self._things) - 1)]


def fill(sessions: Sessions, size: Size, say: Callable[[str], None]) -> Filled:
    """Fill an empty database; the same size gives the same community."""
    return _Filling(sessions, size, say).run()


class _Filling:
    def __init__(self, sessions: Sessions, size: Size, say: Callable[[str], None]):
        self._sessions, self._size, self._say = sessions, size, say
        self._chance = random.Random(1)
        self._now = datetime.now(UTC)
        self._used: set[UUID] = set()

    def run(self) -> Filled:
        users = [self._id(YEAR) for _ in range(self._size.users)]
        fame = Weighted(users, [self._heavy(1.6) for _ in users], self._chance)
        self._enter("users", (_user(id, self._day(id)) for id in users))
        posts = sorted(self._id(YEAR * self._chance.random()) for _ in range(self._size.posts))
        owners = {post: fame.draw() for post in posts}
        likes = self._likes(posts, users)
        self._enter_images(posts, owners)
        counts = {post: len(fans) for post, fans in likes.items()}
        self._enter("posts", (self._post(id, owners[id], counts.get(id, 0)) for id in posts))
        self._enter("likes", self._like_rows(likes))
        follows = self._follows(users, fame)
        self._enter("follows", self._follow_rows(follows))
        self._enter("share_links", self._links(posts, owners))
        self._analyze()
        followed = itertools.chain.from_iterable(follows.values())
        return Filled(
            users, posts, _most(followed), _most(owners.values()),
            max(follows, key=lambda user: len(follows[user])),
        )  # fmt: skip

    def _likes(self, posts: Sequence[UUID], users: Sequence[UUID]) -> dict[UUID, set[UUID]]:
        weights = (self._heavy(1.5) * _gathered(self._age(post)) for post in posts)
        liked = Weighted(posts, weights, self._chance)
        found: dict[UUID, set[UUID]] = {}
        left = self._size.likes
        while left:
            fans = found.setdefault(liked.draw(), set())
            before = len(fans)
            fans.add(self._chance.choice(users))
            left -= len(fans) - before
        return found

    def _follows(self, users: Sequence[UUID], fame: Weighted) -> dict[UUID, set[UUID]]:
        most = len(users) // 5
        found = {}
        for user in users:
            wanted = min(most, int(20 * self._heavy(1.2)))
            found[user] = {fame.draw() for _ in range(wanted)} - {user}
        return found

    def _enter_images(self, posts: Sequence[UUID], owners: dict[UUID, UUID]) -> None:
        """An image a post, under the post's own id, with the predictions that posting asks for."""
        digest = {id: id.bytes * 2 for id in posts}
        day = {id: self._day(id) for id in posts}
        self._enter("objects", ((digest[id], 1, "image/jpeg", "ready", day[id]) for id in posts))
        images = (
            (id.bytes, owners[id].bytes, digest[id], "photo.jpg", 1280, 720, "private", 1, day[id])
            for id in posts
        )
        self._enter("images", images)
        predictions = (
            (self._beside(id, number), owners[id].bytes, task, id.bytes, digest[id], "{}", 0,
             "succeeded", 1, 0, 0, json.dumps(result), "{}", day[id], day[id])
            for id in posts
            for number, (task, result) in enumerate(RESULTS.items())
        )  # fmt: skip
        self._enter("predictions", predictions)

    def _post(self, id: UUID, owner: UUID, likes: int) -> tuple[Any, ...]:
        said = " ".join(self._chance.choices(WORDS, k=min(2_000, int(15 * self._heavy(1.0)) + 1)))
        day = self._day(id)
        return id.bytes, owner.bytes, id.bytes, said, likes, day, day

    def _like_rows(self, likes: dict[UUID, set[UUID]]) -> Iterator[tuple[Any, ...]]:
        for post in sorted(likes):
            for user in sorted(likes[post]):
                yield post.bytes, user.bytes, self._day(post)

    def _follow_rows(self, follows: dict[UUID, set[UUID]]) -> Iterator[tuple[Any, ...]]:
        for user in sorted(follows):
            for other in sorted(follows[user]):
                since = self._now - timedelta(days=YEAR * self._chance.random())
                yield user.bytes, other.bytes, _moment(since)

    def _links(self, posts: Sequence[UUID], owners: dict[UUID, UUID]) -> Iterator[tuple[Any, ...]]:
        for post in posts[::5]:
            day = self._day(post)
            yield post.bytes, post.hex, post.bytes, owners[post].bytes, day, day

    def _enter(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        columns = TABLES[table]
        places = ", ".join(["%s"] * (columns.count(",") + 1))
        statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"
        entered, source = 0, iter(rows)
        with self._sessions.engine.connect() as connection:
            for switch in ("foreign_key_checks", "unique_checks"):
                connection.exec_driver_sql(f"SET {switch} = 0")
            while some := list(itertools.islice(source, AT_ONCE)):
                connection.exec_driver_sql(statement, some)
                entered += len(some)
            connection.commit()
            connection.invalidate()  # with its switches
        self._say(f"{entered:>9,} {table}")

    def _analyze(self) -> None:
        with self._sessions.engine.connect() as connection:
            connection.execute(text(f"ANALYZE TABLE {', '.join(TABLES)}")).all()

    def _id(self, days_ago: float) -> UUID:
        """An id as it would have been made then."""
        moment = self._now - timedelta(days=days_ago)
        while (id := self._noise(moment)) in self._used:
            pass
        self._used.add(id)
        return id

    def _noise(self, moment: datetime) -> UUID:
        low = self._chance.getrandbits(76)
        return UUID(int=smallest_id(moment).int | 0x7 << 76 | low & ~(0xF << 76))

    def _beside(self, id: UUID, number: int) -> bytes:
        return UUID(int=id.int ^ (number + 1)).bytes

    def _age(self, id: UUID) -> float:
        """Days."""
        return self._now.timestamp() / 86_400 - (id.int >> 80) / 86_400_000

    def _day(self, id: UUID) -> str:
        return _moment(datetime.fromtimestamp((id.int >> 80) / 1000, UTC))

    def _heavy(self, sigma: float) -> float:
        return self._chance.lognormvariate(0, sigma)


def _user(id: UUID, day: str) -> tuple[Any, ...]:
    name = f"user {id.hex}"
    return id.bytes, name, name, f"{id.hex}@example.org", f"{id.hex}@example.org", "-", "user", day


def _gathered(days: float) -> float:
    """Return the share of its likes that a post has after `days`: most come within two."""
    return 1 - math.exp(-days / 2)


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def _most(things: Iterable[UUID]) -> UUID:
    counts: dict[UUID, int] = {}
    for each in things:
        counts[each] = counts.get(each, 0) + 1
    return max(counts, key=lambda each: counts[each])
