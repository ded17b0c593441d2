"""The ledger: what was asked, what was promised, what came of it.

The check is Jepsen's "total-queue" (K. Kingsbury, jepsen.checker/total-queue): everything that was
acknowledged comes out, once, and nothing else does. It asks over HTTP, as a client would; only
what no client can see (rows by the bytes they are of) is asked of the database.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import requests
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from common.database.session import read
from common.tables import Image, Prediction
from tests.faults.clients import Upload
from tests.faults.stack import FaultStack
from tests.support.http.calls import FINAL

Expected = Callable[[Upload, dict[str, Any]], bool]


@dataclass
class Ledger:
    """The counts; what is wrong is listed by its id or key."""

    attempted: int = 0
    accepted: int = 0  # uploads that were answered 202
    replayed: int = 0  # of them: asked again with their key, because an answer did not come
    unacknowledged: int = 0  # no client was promised anything
    finished: int = 0
    kills: int = 0
    hit: int = 0  # rows in `processing` in the hands of what was killed
    lost: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    duplicate_results: list[str] = field(default_factory=list)
    duplicate_effects: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    effects: int = 0
    rows: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        n = self.accepted
        return "\n".join([
            f"attempted            {self.attempted}",
            f"accepted             {n} ({self.replayed} by a retry with their key)",
            f"unacknowledged       {self.unacknowledged} of {self.attempted} attempted",
            f"finished             {self.finished} of {n} accepted",
            f"lost                 {len(self.lost)} of {n} accepted",
            f"stuck                {len(self.stuck)} of {n} accepted",
            f"duplicate results    {len(self.duplicate_results)} of {self.attempted} attempted",
            f"duplicate effects    {len(self.duplicate_effects)} of {self.effects} side effects",
            f"unexpected           {len(self.unexpected)} of {self.attempted} attempted"
            + "".join(f"\n  {line}" for line in self.unexpected[:20]),
            f"kills                {self.kills}, which hit {self.hit} rows in processing",
        ])  # fmt: skip

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept and nothing happened twice."""
        wrong = (self.lost, self.stuck, self.duplicate_results, self.duplicate_effects)
        return (
            not any(wrong)
            and not self.unexpected
            and self.accepted + self.unacknowledged == (self.attempted)
        )


def succeeded(_upload: Upload, row: dict[str, Any]) -> bool:
    """What is expected of an ordinary upload."""
    return row["status"] == "succeeded" and bool(row["result"]["labels"])


def check(
    stack: FaultStack,
    uploads: Sequence[Upload],
    *,
    within: float = 60,
    expected: Expected = succeeded,
) -> Ledger:
    """Wait up to `within` seconds for everything that was accepted, then balance the book.

    The last API of the stack is asked; rows of what was checked before are known.
    """
    url = stack.urls[-1]
    ledger = Ledger(attempted=len(uploads))
    ledger.accepted = sum(upload.is_accepted for upload in uploads)
    ledger.replayed = sum(u.is_accepted and bool(u.broken) for u in uploads)
    ledger.unacknowledged = ledger.attempted - ledger.accepted
    deadline = time.monotonic() + within
    with requests.Session() as http:
        for upload in uploads:
            for id in upload.ids:
                _follow(ledger, http, f"{url}/v1/predictions/{id}", upload, deadline, expected)
        for id, row in ledger.rows.items():
            if http.get(f"{url}/v1/predictions/{id}", timeout=30).json() != row:
                ledger.duplicate_results.append(id)
    _count_rows(ledger, stack, uploads)
    _read_answers(ledger, uploads)
    return ledger


def _follow(
    ledger: Ledger,
    http: requests.Session,
    address: str,
    upload: Upload,
    deadline: float,
    expected: Expected,
) -> None:
    """One prediction to its end."""
    while True:
        answer = http.get(address, timeout=30)
        id = address.rpartition("/")[2]
        if answer.status_code == 404:
            ledger.lost.append(id)
            return
        if answer.ok and (row := answer.json())["status"] in FINAL:
            break
        if time.monotonic() > deadline:
            ledger.stuck.append(f"{id}: {answer.text[:500]}")
            return
        time.sleep(0.05)
    ledger.rows[id] = row
    ledger.finished += 1
    if not expected(upload, row):
        ledger.unexpected.append(f"{id} {row['status']} {row['error']}")


def _count_rows(ledger: Ledger, stack: FaultStack, uploads: Sequence[Upload]) -> None:
    """One row for what was accepted, at most one for the rest, and no row that nobody asked for."""
    by_bytes = select(Prediction.sha256, func.count()).group_by(Prediction.sha256)
    images = select(Image.sha256, func.count()).group_by(Image.sha256)
    for query in (by_bytes, images):
        found = read(stack.sessions, partial(_counts, query))
        for upload in uploads:
            count = found.pop(upload.sha256, 0)
            if count > 1:
                ledger.duplicate_results.append(f"{upload.key}: {count} rows {upload.answers}")
            if upload.is_accepted and count == 0:
                ledger.lost.append(upload.key)
        strange = found.keys() - stack.known
        ledger.unexpected += [f"{found[one]} rows nobody asked for" for one in strange]
    stack.known |= {upload.sha256 for upload in uploads}


def _counts(query: Select[bytes | None, int], session: Session) -> dict[bytes | None, int]:
    return {sha256: count for sha256, count in session.execute(query).all()}  # noqa: C416


def _read_answers(ledger: Ledger, uploads: Sequence[Upload]) -> None:
    """What an API under faults may say: accepted, come again, or nothing at all."""
    known = {200, 201, 202, 409, 429, 503}
    odd = Counter(a for u in uploads for a in u.answers if isinstance(a, int) and a not in known)
    ledger.unexpected += [f"{count} answers {status}" for status, count in odd.items()]
    ledger.unexpected += [f"{u.key}: 503 without Retry-After" for u in uploads if u.bare_503]
