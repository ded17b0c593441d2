"""Other images than before, sent through the real service, raise the index that the alarm reads."""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
import requests
from PIL import Image, ImageEnhance
from sqlalchemy import update
from sqlalchemy.orm import Session

from common.database.session import Sessions, clock, now, open_database, read, transact
from common.observability.drift.samples import measure_hour, read_counts
from common.observability.drift.windows import Windows
from common.tables import JobLock, Prediction
from tests.house.test_metrics import alerts
from tests.support.http.calls import until
from tests.support.http.scraping import scrape
from tests.support.images.pictures import photographs
from tests.support.services.processes import Running, standalone

pytestmark = pytest.mark.slow

COUNT = 40  # images a window
DAYS = timedelta(days=3)
SOON = 30  # seconds
MODEL = "mobilenet_v2_1.0_224@tf2-ptq"
FEATURES = ("confidence", "label", "brightness", "size")
USUAL = ("cat_720p.jpg", "parrot.jpg", "sunflower.bmp", "grace_hopper.bmp")
OTHERS = ("dog_segmentation.bmp", "pets.jpg")


def variants(
    names: tuple[str, ...], light: float, sides: tuple[int, int], seed: int
) -> list[bytes]:
    """COUNT crops of the photographs, each like no other, so much lighter or darker."""
    dice = random.Random(seed)
    sources = [Image.open(BytesIO(photographs()[name])).convert("RGB") for name in names]
    for source in sources:
        source.thumbnail((600, 600))
    made = []
    for number in range(COUNT):
        image = sources[number % len(sources)]
        cut = dice.randrange(2, 12)
        image = image.crop((cut, cut, image.width - cut, image.height - cut))
        image.thumbnail((side := dice.randrange(*sides), side))
        image = ImageEnhance.Brightness(image).enhance(light * dice.uniform(0.95, 1.05))
        file = BytesIO()
        image.save(file, "JPEG", quality=95)
        made.append(file.getvalue())
    return made


def classify(service: Running, images: list[bytes]) -> None:
    address = f"{service.base_url}/v1/predictions?wait=30&fresh=true"
    for data in images:
        files = {"file": ("a.jpg", data)}
        answer = requests.post(address, data={"task": "classify"}, files=files, timeout=60).json()
        assert answer["status"] == "succeeded"
        assert answer["result"].keys() == {"labels", "broader", "top_k", "threshold"}


@contextmanager
def database(folder: Path) -> Iterator[Sessions]:
    sessions = open_database(f"sqlite:///{folder}/afterimage.db")
    try:
        yield sessions
    finally:
        sessions.close()


def make_them_old(folder: Path) -> None:
    """What was classified until now was classified three days ago, and measured then."""
    with database(folder) as sessions:
        past = now(-DAYS.total_seconds())
        old = update(Prediction).values(started_at=past, created_at=past, finished_at=past)
        transact(sessions, lambda session: session.execute(old))
        hour = read(sessions, clock) - DAYS - timedelta(minutes=30)
        assert transact(sessions, lambda session: measure_hour(session, hour)) == COUNT


def let_the_chore_be_due(folder: Path) -> None:
    with database(folder) as sessions:
        due = update(JobLock).where(JobLock.name == "measure drift").values(due_at=now())
        assert transact(sessions, lambda session: session.execute(due).rowcount) == 1  # type: ignore[attr-defined]


def threshold() -> float:
    [drift] = [alert for alert in alerts() if alert["alert"] == "AfterimageDrift"]
    found = re.search(r"afterimage_drift_psi\) > ([\d.]+)$", drift["expr"])
    assert found
    return float(found[1])


def indices(folder: Path, models: str, images: list[bytes]) -> dict[str, float]:
    """The index of each feature once `images` have been seen after the usual ones."""
    settings = {"MODEL_MIRROR": "", "MODEL_DIR": models, "DRIFT_LEAST": str(COUNT)}
    with standalone(folder, **settings) as service:
        classify(service, variants(USUAL, 1.0, (300, 500), seed=1))
        make_them_old(folder)
        classify(service, images)
    let_the_chore_be_due(folder)  # the housekeeper begins with it
    with standalone(folder, **settings) as service:
        with database(folder) as sessions:
            until(lambda: is_measured(sessions), SOON, "the chore was not done")
        told = scrape(service.base_url)
    for window in ("current", "reference"):
        assert told.value("drift_images", window=window, model=MODEL) == COUNT
    return {feature: told.value("drift_psi", feature=feature, model=MODEL) for feature in FEATURES}


def is_measured(sessions: Sessions) -> bool:
    def look(session: Session) -> int:
        return sum(pair.current.total() for pair in read_counts(session, Windows(24, days=28)))

    return read(sessions, look) == COUNT * len(FEATURES)


def test_darker_and_smaller_images_of_other_things_raise_the_alarm(
    models: str, tmp_path: Path
) -> None:
    found = indices(tmp_path, models, variants(OTHERS, 0.3, (100, 120), seed=2))
    for feature in ("label", "brightness", "size"):
        assert found[feature] > threshold(), found


def test_more_of_the_same_does_not(models: str, tmp_path: Path) -> None:
    found = indices(tmp_path, models, variants(USUAL, 1.0, (300, 500), seed=3))
    for feature in ("label", "brightness", "size"):
        assert found[feature] < threshold(), found
