"""The stability index, the bins, the windows, and the hourly samples on every database."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from common.database.session import Sessions, clock, now, read, transact
from common.errors import SettingsError
from common.observability.drift import BRIGHTNESS, CONFIDENCE, LABEL, SIZE, bins_of, stability_index
from common.observability.drift.samples import measure_hour, measure_recent_hours, read_counts
from common.observability.drift.windows import Windows
from common.predictions import Job, Success
from common.settings import Settings
from tests.support.rows.prediction_steps import MODEL, rewrite, take, write

HOUR = timedelta(hours=1)


def result(name: str, score: float, brightness: float) -> dict[str, Any]:
    return {"labels": [{"name": name, "score": score}], "brightness": brightness}


def done(sessions: Sessions, ask: Any, name: str, count: int, ago: float = 0) -> list[UUID]:
    """`count` images that were classified as `name`, `ago` seconds ago."""
    ids: list[UUID] = ask(count)
    jobs: list[Job] = take(sessions, ids).jobs if count > 1 else take(sessions, ids).alone
    write(sessions, *(Success(job, result(name, 0.75, 0.4), MODEL, {}) for job in jobs))
    rewrite(sessions, ids, started_at=now(-ago))
    return ids


def test_the_index_is_that_of_the_textbook() -> None:
    # ln(0.5/0.6) x -0.1 + ln(0.5/0.4) x 0.1, by hand.
    many = 1_000_000
    reference, current = {"a": 6 * many, "b": 4 * many}, {"a": 5 * many, "b": 5 * many}
    assert stability_index(CONFIDENCE, reference, current) == pytest.approx(0.040547, abs=1e-5)
    assert stability_index(CONFIDENCE, reference, reference) == 0


def test_a_bin_that_is_empty_on_one_side_is_large_but_finite() -> None:
    assert 1 < stability_index(CONFIDENCE, {"1": 500}, {"9": 500}) < 20


@pytest.mark.parametrize(("feature", "kinds"), [(CONFIDENCE, 10), (LABEL, 300)])
def test_chance_alone_raises_no_alarm_from_enough_images(feature: str, kinds: int) -> None:
    dice = random.Random(7)

    def worst(images: int) -> float:
        def draw() -> Counter[str]:
            return Counter(str(min(int(dice.expovariate(0.2)), kinds)) for _ in range(images))

        return max(stability_index(feature, draw(), draw()) for _ in range(100))

    least = Settings.from_env({}).drift_least
    assert worst(least) < 0.15
    assert worst(least // 10) > 0.25, "or DRIFT_LEAST is for nothing"


def test_rare_labels_share_a_bin() -> None:
    reference = {f"common {n}": 100 for n in range(10)} | {f"rare {n}": 2 for n in range(50)}
    current = {f"common {n}": 100 for n in range(10)} | {f"other {n}": 2 for n in range(50)}
    assert stability_index(LABEL, reference, current) == pytest.approx(0)
    assert stability_index(CONFIDENCE, reference, current) > 0.1


def test_an_image_falls_into_a_bin_of_each_feature() -> None:
    bins = bins_of(result("cat", 0.999, 0.25), 1280, 720)
    assert bins == {CONFIDENCE: "9", LABEL: "cat", BRIGHTNESS: "2", SIZE: "9"}
    assert bins_of(result("cat", 1.0, 1.0), 1, 1) == {
        CONFIDENCE: "9", LABEL: "cat", BRIGHTNESS: "9", SIZE: "0",
    }  # fmt: skip


def test_results_from_before_have_no_brightness_and_lost_images_no_size() -> None:
    assert bins_of({"labels": [{"name": "cat", "score": 0.5}]}, None, None).keys() == {
        CONFIDENCE,
        LABEL,
    }
    assert bins_of({"text": "a cat"}, None, None) == {}


def test_the_windows_do_not_overlap() -> None:
    at = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
    moving = Windows(24, days=28)
    assert moving.current(at) == (datetime(2026, 11, 24, 10, tzinfo=UTC), at)
    begin, end = moving.reference(at)
    assert end == moving.current(at)[0]
    assert end - begin == timedelta(days=28)
    fixed = Windows(24, fixed=(date(2026, 11, 1), date(2026, 11, 2)))
    first, last = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)
    assert fixed.reference(at) == (first, last)


def test_the_setting_of_the_reference() -> None:
    def of(text: str) -> Any:
        return Settings.from_env({"DRIFT_REFERENCE": text}).drift_reference

    assert of("14") == 14
    assert of("2026-11-01/2026-11-14") == (date(2026, 11, 1), date(2026, 11, 14))
    for wrong in ("0", "x", "2026-11-14/2026-11-01", "2026-11-01/"):
        with pytest.raises(SettingsError, match="DRIFT_REFERENCE"):
            of(wrong)


def test_an_hour_is_measured_once_however_often(sessions: Sessions, ask: Any) -> None:
    done(sessions, ask, "cat", 3)
    done(sessions, ask, "dog", 2)
    done(sessions, ask, "old", 2, ago=3 * 24 * 3600)
    hour = read(sessions, clock) - timedelta(minutes=30)  # it holds them, whatever the time is
    for _ in range(2):
        transact(sessions, lambda session: measure_hour(session, hour))
    windows = Windows(24, days=28)
    pairs = {p.feature: p for p in read(sessions, lambda s: list(read_counts(s, windows)))}
    assert pairs[LABEL].current == {"cat": 3, "dog": 2}
    assert pairs[CONFIDENCE].current == {"7": 5}
    assert pairs[SIZE].current == {"0": 5}
    assert pairs[LABEL].model == "m@1"
    assert not pairs[LABEL].reference


def test_what_was_given_again_does_not_count(sessions: Sessions, ask: Any) -> None:
    rewrite(sessions, done(sessions, ask, "cat", 2), cached=True)
    done(sessions, ask, "dog", 2)
    assert transact(sessions, measure_recent_hours) == 2


def test_the_reference_is_what_was_before(sessions: Sessions, ask: Any) -> None:
    done(sessions, ask, "cat", 4, ago=3 * 24 * 3600)
    done(sessions, ask, "dog", 3)
    at = read(sessions, clock)
    transact(sessions, lambda session: measure_hour(session, at - timedelta(days=3, minutes=30)))
    transact(sessions, measure_recent_hours)
    pairs = {
        p.feature: p for p in read(sessions, lambda s: list(read_counts(s, Windows(24, days=28))))
    }
    assert (pairs[LABEL].reference, pairs[LABEL].current) == ({"cat": 4}, {"dog": 3})
