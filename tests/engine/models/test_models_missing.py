"""A model that is not here is our fault, not the input's: predictions wait, or go elsewhere."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from common.announcer import Announcer
from common.database.ids import new_id
from common.database.session import clock, read, transact
from common.errors import InputFault, ModelUnavailable
from common.predictions import Failure, Job, Retry, TaskRequest, create
from common.predictions.constants import MOST_FAILURES
from common.services import Services, open_services
from common.settings import Settings
from common.storage import object_key
from common.tables import Image, Prediction, State, StoredObject
from common.tasks import contract
from engine.captioners.errors import Refused
from engine.decoding.decoder import open_decoder
from engine.lane import Lane
from engine.models.defaults import DEFAULTS
from engine.preparation import outcome_of
from tests.faults.clients import base_picture
from tests.support.http.calls import until
from tests.support.rows.databases import migrate
from tests.support.services.served import models as models

pytestmark = pytest.mark.slow

WRONG = ['{"classify": null}', '{"classify": "nothing@1"}', '{"classify": ""}', "[]", "broken", ""]
PICTURE = base_picture()
PARAMS = contract("classify").params().load({})


@pytest.fixture
def services(models: str, tmp_path: Path) -> Iterator[Services]:
    shutil.copytree(models, tmp_path / "models")
    settings = Settings.from_env({"DATA_DIR": str(tmp_path), "LOG_LEVEL": "error"})
    migrate(settings.database_url, tmp_path)
    with open_services(settings) as opened:
        yield opened


@pytest.fixture
def announcer(services: Services) -> Iterator[Announcer]:
    with closing(Announcer(services.broker, services.sessions)) as announcer:
        yield announcer


def asked(services: Services, announcer: Announcer, model: str | None = None) -> UUID:
    """A queued and announced prediction of a picture that is in the store."""
    sha256 = hashlib.sha256(PICTURE).digest()
    services.storage.put(object_key(sha256), PICTURE)
    image = Image(
        id=new_id(), sha256=sha256, file_name="x.jpg", width=320, height=240, visibility="unlisted"
    )
    ask = TaskRequest(task="classify", params=PARAMS, deadline=900, wanted_model=model)

    def write(session: Session) -> None:
        session.add(StoredObject(sha256=sha256, size=1, media_type="image/jpeg"))
        session.flush()
        session.add(image)
        session.flush()
        create(session, image, [ask], clock(session))

    transact(services.sessions, write)
    announcer.announce(ask.id, "classify", interactive=False)
    return ask.id


def row(services: Services, id: UUID) -> Prediction:
    return read(services.sessions, lambda session: session.get_one(Prediction, id))


@pytest.fixture
def lane(services: Services, announcer: Announcer) -> Iterator[Lane]:
    lane = Lane(services, announcer, new_id(), "classify", open_decoder(services.settings))
    yield lane
    lane.stop()


@pytest.mark.parametrize("text", WRONG)
def test_predictions_wait_for_a_default_and_the_status_says_why(
    services: Services, announcer: Announcer, lane: Lane, text: str
) -> None:
    chosen = services.settings.model_dir / DEFAULTS
    chosen.write_text(text)
    lane.start()
    id = asked(services, announcer)
    until(lambda: lane.status["problem"] != "starting", 20, "the lane to report")
    time.sleep(1.5)  # more than it takes to look again
    found = row(services, id)
    assert (found.state, found.attempts) == (State.QUEUED, 0)
    status = lane.status
    assert not status["ready"]
    assert DEFAULTS in status["problem"] or "nothing@1" in status["problem"]
    chosen.unlink()
    until(lambda: row(services, id).state == State.SUCCEEDED, 30, "it to be made after all")
    assert lane.status["problem"] is None


def test_a_lane_without_a_model_leaves_the_messages_to_others(
    services: Services, announcer: Announcer, lane: Lane
) -> None:
    chosen = services.settings.model_dir / DEFAULTS
    chosen.write_text(json.dumps({"classify": "nothing@1"}))
    lane.start()
    until(lambda: lane.status["problem"] != "starting", 20, "the lane to report")
    id = asked(services, announcer)
    other = services.broker.consumer(["afterimage.classify"], 10)
    received = other.receive(10, 10)
    assert [delivery.body for delivery in received] == [id.bytes]
    other.ack(received)
    other.close()


def test_a_named_model_that_is_not_here_is_tried_again_and_counts_as_no_failure(
    services: Services, announcer: Announcer, lane: Lane
) -> None:
    lane.start()
    id = asked(services, announcer, model="mobilenet_v2_1.0_224@elsewhere")
    until(lambda: row(services, id).attempts == 1, 30, "the first attempt")
    until(lambda: row(services, id).state == State.QUEUED, 10, "it to be put off")
    found = row(services, id)
    assert (found.error_code, found.failures) == ("model_unavailable", 0)
    assert found.next_attempt_at is not None


def job(failures: int = 0) -> Job:
    return Job(new_id(), 1, failures, "classify", PARAMS, b"x" * 32, datetime.now(UTC))


def test_only_the_inputs_fault_and_what_no_retry_mends_are_final() -> None:
    missing = outcome_of(job(MOST_FAILURES), ModelUnavailable("not here"))
    assert isinstance(missing, Retry)
    assert not missing.counts
    assert isinstance(outcome_of(job(), Refused("the key is wrong")), Failure)
    assert isinstance(outcome_of(job(), InputFault("no image")), Failure)
