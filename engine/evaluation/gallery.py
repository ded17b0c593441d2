"""A temporary gallery in a folder: an engine of its own on SQLite, and the search over it."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from common.announcer import Announcer
from common.database.ids import new_id
from common.database.session import clock, execute, insert_missing, read, transact
from common.errors import AfterimageError, InputFault
from common.images import validation
from common.predictions import TaskRequest, create
from common.services import Services, open_services
from common.settings import Settings
from common.storage import object_key
from common.tables import Base, Image, Prediction, State, StoredObject, Visibility
from common.tasks import contract
from engine.evaluation.labelled_photographs import Photograph
from engine.process import Engine

TASKS = ("classify", "outline", "embed", "fingerprint", "index")
ASKED = ("classify", "outline", "embed")
POLL = 0.2  # seconds
QUIET = 3.0  # seconds without unfinished predictions after which everything is indexed

UNFINISHED = (
    select(func.count())
    .select_from(Prediction)
    .where(Prediction.state.in_((State.QUEUED, State.PROCESSING)))
)


def private(environ: Mapping[str, str], folder: Path) -> Settings:
    """Return the environment's settings, except that all data is stored in `folder`."""
    models = Settings.from_env(environ).model_dir.absolute()
    kept = {name: value for name, value in environ.items() if not _is_place(name)}
    return Settings.from_env(kept | {"DATA_DIR": str(folder), "MODEL_DIR": str(models)})


def _is_place(variable: str) -> bool:
    return variable.removesuffix("_FILE") in (
        "DATABASE_URL", "BROKER_URL", "STORAGE_URL", "INDEX_URL", "CAPTIONER_URL",
    )  # fmt: skip


@contextmanager
def opened(settings: Settings) -> Iterator[Services]:
    """Yield services with empty tables."""
    with open_services(settings) as services:
        Base.metadata.create_all(services.sessions.engine)
        yield services


def fill(
    services: Services, photographs: Sequence[Photograph], asked: Sequence[str] = ASKED
) -> dict[UUID, Photograph]:
    """Store the photographs as public images, and wait until they are predicted and indexed. Return
    those that could be used by image id. The tasks `asked` are requested, and those that the index
    requires.

    Raises InputFault if no photograph could be used.
    """
    announcer = Announcer(services.broker, services.sessions)
    engine = Engine(services, TASKS)
    engine.start()
    try:
        added = [(_add(services, announcer, each, asked), each) for each in photographs]
        images = {id: photograph for id, photograph in added if id}
        _wait(services)
    finally:
        engine.stop()
        announcer.close()
    if not images:
        raise InputFault("None of the photographs can be used.")
    return images


def _add(
    services: Services, announcer: Announcer, photograph: Photograph, asked: Sequence[str]
) -> UUID | None:
    """Return the image's id; None for an invalid image file."""
    data = photograph.path.read_bytes()
    limits = validation.Limits(services.settings.max_upload_bytes, services.settings.max_pixels)
    try:
        header = validation.check(data, limits)
    except AfterimageError as error:
        print(f"{photograph.path.name} is skipped: {error.detail}")
        return None
    width, height = header.upright_size
    sha256 = hashlib.sha256(data).digest()
    # No file name, because it may contain the label that the queries search for.
    image = Image(
        id=new_id(), sha256=sha256, file_name="image", width=width, height=height,
        visibility=Visibility.PUBLIC,
    )  # fmt: skip
    task_requests = [
        TaskRequest(task=t, params=_params(t), deadline=contract(t, internal=True).deadline)
        for t in asked
    ]
    stored = {"sha256": sha256, "size": len(data), "media_type": header.media_type}

    def write(session: Session) -> None:
        execute(session, insert_missing(StoredObject), stored)
        names = ("id", "sha256", "file_name", "width", "height", "visibility")
        execute(session, insert(Image), {name: getattr(image, name) for name in names})
        create(session, image, task_requests, clock(session))

    services.storage.put(object_key(sha256), data)
    transact(services.sessions, write)
    for ask in task_requests:
        announcer.announce(ask.id, ask.task, interactive=False)
    return image.id


def _params(task: str) -> dict[str, object]:
    return contract(task, internal=True).check_params({})


def _wait(services: Services) -> None:
    """Return once there has been nothing to do for QUIET seconds."""
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < QUIET:
        time.sleep(POLL)
        if read(services.sessions, lambda session: session.scalar(UNFINISHED)):
            quiet_since = time.monotonic()
