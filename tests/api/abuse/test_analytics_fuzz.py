"""What only the ML team may ask answers as documented, whatever is asked: generated requests."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from common.database.session import Sessions
from tests.support.rows.databases import migrate, opened
from tests.support.rows.feedback import give, ml_team, searched, upload
from tests.support.services.in_process import application

pytestmark = pytest.mark.fuzz

OURS = {"/v1/feedback", "/v1/analytics/queries", "/v1/analytics/misses", "/v1/analytics/feedback"}
# The document cannot say which days follow each other.
BEYOND: list[Any] = [positive_data_acceptance]
STEADY = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    url = f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'test.db'}"
    migrate(url, Path(url.removeprefix("sqlite:///")).parent)
    with opened(url) as found:
        yield found


@pytest.fixture(scope="module")
def app(sessions: Sessions, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application with a few votes."""
    with application(sessions, tmp_path_factory.mktemp("fuzzed")) as found:
        images = [upload(found) for _ in range(3)]
        give(found, searched(sessions, "cat", images), positive=images, clicks=images)
        yield found


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
def test_every_question_is_answered_as_documented(
    app: Flask, sessions: Sessions, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    headers = ml_team(app, sessions).headers
    statuses = Counter[int]()
    found: list[Any] = list(schema.get_all_operations())
    asked = [each.ok() for each in found if each.ok().path in OURS]
    assert {each.path for each in asked} == OURS
    for operation in asked:
        ask(operation, mode, headers, statuses)
    # Every one of them asks some question that has an answer, or some that has none.
    assert statuses.keys() & ({200} if mode is GenerationMode.POSITIVE else {422})


def ask(
    operation: Any, mode: GenerationMode, headers: dict[str, str], statuses: Counter[int]
) -> None:
    @STEADY
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Case[Any]) -> None:
        answer = case.call(headers=headers)
        statuses[answer.status_code] += 1
        case.validate_response(answer, excluded_checks=BEYOND)

    run()
