"""Allowances counted in memory and written in pieces: exact where small, shared, safe, bounded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, select

from api.limits.usage_meter import MAX_TALLIES, PIECES, RECHECK, UsageMeter
from common.database.session import Sessions, open_database, read, transact
from common.housekeeping.rate_counters import name_of
from common.settings.parsers import Allowance
from common.tables import Counter

NAME, OTHER = name_of("test", "one"), name_of("test", "other")
HOUR = 3600


@contextmanager
def transactions(sessions: Sessions) -> Iterator[list[str]]:
    """One entry for each COMMIT meanwhile."""
    seen: list[str] = []

    def note(_connection: Any) -> None:
        seen.append("COMMIT")

    event.listen(sessions.engine, "commit", note)
    try:
        yield seen
    finally:
        event.remove(sessions.engine, "commit", note)


def taken(meter: UsageMeter, allowance: Allowance, tries: int, amount: int = 1) -> int:
    return sum(meter.take(NAME, allowance, amount).allowed for _ in range(tries))


def written(sessions: Sessions) -> int:
    row = select(Counter.count).where(Counter.name == NAME)
    return read(sessions, lambda session: session.scalar(row)) or 0


@pytest.mark.parametrize("most", [1, 5, 100])
def test_a_small_allowance_is_exact_for_all_processes_together(
    sessions: Sessions, most: int
) -> None:
    one, two = UsageMeter(sessions), UsageMeter(sessions)
    allowance = Allowance(most, HOUR)
    together = [meter.take(NAME, allowance, 1).allowed for _ in range(most) for meter in (one, two)]
    assert sum(together) == most
    assert written(sessions) == most


def test_a_large_allowance_costs_few_transactions_and_is_shared(sessions: Sessions) -> None:
    one, two = UsageMeter(sessions), UsageMeter(sessions)
    allowance = Allowance(10_000, HOUR)
    with transactions(sessions) as seen:
        assert taken(one, allowance, 5_000) == 5_000
    assert len(seen) <= PIECES // 2
    with transactions(sessions) as seen:
        assert taken(two, allowance, 90) == 90
    assert not seen, "who uses little of it costs the database nothing"
    both = 5_090 + sum(taken(meter, allowance, 6_000) for meter in (one, two))
    assert 10_000 <= both <= 10_000 + 2 * 10_000 // PIECES


def test_all_of_an_amount_counts_or_nothing(sessions: Sessions) -> None:
    meter, allowance = UsageMeter(sessions), Allowance(100, HOUR)
    assert meter.take(NAME, allowance, 80).allowed
    refused = meter.take(NAME, allowance, 21)
    assert (refused.allowed, refused.so_far) == (False, 80)
    assert HOUR - 10 < refused.ends_in <= HOUR
    assert meter.take(NAME, allowance, 20).allowed
    assert meter.take(OTHER, allowance, 100).allowed, "another counter"


def test_more_than_the_whole_allowance_forgets_nothing(sessions: Sessions) -> None:
    meter, allowance = UsageMeter(sessions), Allowance(1_000, HOUR)
    for _ in range(111):
        assert meter.take(NAME, allowance, 9).allowed
        assert not meter.take(NAME, allowance, 1_001).allowed
    assert taken(meter, allowance, 10) == 1


def test_what_is_given_back_may_be_taken_again(sessions: Sessions) -> None:
    for most in (10, 10_000):
        meter, allowance = UsageMeter(sessions), Allowance(most, HOUR)
        name = name_of("test", str(most))
        assert meter.take(name, allowance, most).allowed
        meter.give_back(name, most // 2)
        assert meter.take(name, allowance, most // 2).allowed
        assert not meter.take(name, allowance, 1).allowed


def test_a_counter_that_was_reset_counts_anew(sessions: Sessions) -> None:
    meter, allowance = UsageMeter(sessions), Allowance(2, HOUR)
    assert taken(meter, allowance, 4) == 2
    transact(sessions, lambda session: session.execute(delete(Counter)))
    with transactions(sessions) as seen:
        assert taken(meter, allowance, 100) == 0
    assert not seen, "refusals cost the database nothing for a moment"
    tally = meter._tallies[NAME]
    tally.read_at -= RECHECK
    assert meter.take(NAME, allowance, 1).allowed


@pytest.mark.parametrize("most", [2, 1_000])
def test_a_window_ends(sessions: Sessions, most: int) -> None:
    meter, allowance = UsageMeter(sessions), Allowance(most, HOUR)
    assert taken(meter, allowance, most + 1) == most
    meter._tallies[NAME].ends_at -= HOUR
    transact(sessions, lambda session: session.execute(delete(Counter)))
    assert taken(meter, allowance, most + 1) == most


def test_without_the_database_each_process_counts_by_itself(tmp_path: Path) -> None:
    away = open_database(f"sqlite:///{tmp_path}/not/there.db")
    meter = UsageMeter(away)
    assert taken(meter, Allowance(5, HOUR), 50) == 5
    meter = UsageMeter(away)
    assert taken(meter, Allowance(1_000, HOUR), 3_000) == 1_000
    meter.give_back(NAME, 1)
    assert taken(meter, Allowance(1_000, HOUR), 2) == 1
    away.close()


def test_refused_credentials_count_beyond_the_allowance(sessions: Sessions) -> None:
    meter, allowance = UsageMeter(sessions), Allowance(30, HOUR)
    for _ in range(3):
        assert meter.take(NAME, allowance, 1).allowed
        meter.add(NAME, allowance, 9)
    assert not meter.take(NAME, allowance, 1).allowed


def test_the_callers_that_are_remembered_are_bounded(tmp_path: Path) -> None:
    away = open_database(f"sqlite:///{tmp_path}/not/there.db")
    meter, allowance = UsageMeter(away), Allowance(10_000, HOUR)
    for number in range(MAX_TALLIES + 100):
        meter.take(name_of("test", str(number)), allowance, 1)
    assert len(meter._tallies) == MAX_TALLIES
    away.close()
