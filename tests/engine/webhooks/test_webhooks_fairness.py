"""A caller with many receivers that hang does not hold up the webhooks of others."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from common.database.ids import new_id
from common.database.session import Sessions, transact
from common.webhooks import deliveries
from common.webhooks.slots import Slots
from engine.webhooks.schedule import STANDARD
from tests.support.http.calls import until
from tests.support.rows.prediction_steps import ask as ask
from tests.support.rows.prediction_steps import image as image
from tests.support.webhooks.delivery import PATIENCE, QUICK, delivering
from tests.support.webhooks.receivers import finished, hang, make_due, owed, sinking, states

pytestmark = pytest.mark.slow

ANNA, BEN = new_id(), new_id()
HOSTS = 16


def crowd_of(sessions: Sessions, ask: Any, owner: UUID | None, port: int) -> list[UUID]:
    """Deliveries of one owner that have been due for a minute, two to each of many hosts."""
    ids = [
        id
        for number in range(1, HOSTS + 1)
        for id in finished(sessions, ask, f"http://127.0.1.{number}:{port}/hook", 2, owner=owner)
    ]
    make_due(sessions, ids, ago=60)
    return ids


@pytest.mark.parametrize(
    ("crowd", "other"),
    [(ANNA, BEN), (ANNA, None), (None, BEN)],
    ids=["account", "both", "anonymous"],
)
def test_many_hosts_of_one_owner_that_hang_delay_nobody_else(
    sessions: Sessions, ask: Any, crowd: UUID | None, other: UUID | None
) -> None:
    timing = replace(QUICK, whole=2 * PATIENCE)
    most = timing.anonymous if crowd is None else timing.per_account
    with sinking("0.0.0.0") as hanging, sinking() as alive:
        hanging.otherwise = {"/hook": hang}
        ids = crowd_of(sessions, ask, crowd, hanging.port)
        with delivering(sessions, timing):
            until(lambda: hanging.at_once == most, PATIENCE, "the crowd to have its slots")
            fine = finished(sessions, ask, alive.url, 4, owner=other)
            until(lambda: set(states(sessions, fine)) == {"delivered"}, PATIENCE, "the others")
            assert hanging.most_at_once == most
            assert set(states(sessions, ids)) == {"pending"}
            hanging.released.set()


def test_a_delivery_knows_who_asked(sessions: Sessions, ask: Any) -> None:
    for owner in (ANNA, None):
        [id] = finished(sessions, ask, "https://hooks.example/a", owner=owner)
        assert owed(sessions, id).owner_id == owner


def test_a_claim_leaves_slots_for_other_owners(sessions: Sessions, ask: Any) -> None:
    for owner in (ANNA, None):
        for number in range(10):
            finished(sessions, ask, f"https://{number}.{owner}.example/a", owner=owner)
    [bens] = finished(sessions, ask, "https://ben.example/a", owner=BEN)

    def claim(**owners: Any) -> list[UUID | None]:
        slots = Slots(per_host=2, per_account=4, anonymous=8, **owners)
        taken = transact(sessions, lambda s: deliveries.claim_due(s, 16, slots, lease=30))
        make_due(sessions, [due.prediction_id for due in taken], ago=60)
        return [due.owner_id for due in taken]

    first = claim()
    assert [first.count(owner) for owner in (ANNA, None, BEN)] == [4, 8, 1]
    assert set(claim(owners={ANNA: 4})) == {None, BEN}
    assert set(claim(owners={None: 8})) == {ANNA, BEN}
    assert claim(owners={None: 8, ANNA: 4}) == [BEN]
    assert owed(sessions, bens).attempts == 4


def test_slots_are_shared_as_the_documentation_says() -> None:
    assert (STANDARD.at_once, STANDARD.anonymous, STANDARD.per_account) == (16, 8, 4)
