"""Labels, and what the row keeps of them for the search."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from common.database.session import Sessions, clock, read, transact
from common.predictions import TaskRequest, create
from common.settings import Settings
from common.tables import Image
from common.tasks import contract
from engine.index.documents import Words, decode
from engine.index.image_facts import look
from engine.models.labels import load_imagenet
from engine.tasks.classify import LEAST_KEPT, MOST_KEPT, ClassifyRunner, open_runner
from tests.support.rows.prediction_steps import success, take, write

CLASSIFY = contract("classify")


@pytest.fixture(scope="module")
def work(model_dir: Path) -> ClassifyRunner:
    return open_runner(Settings.from_env({"MODEL_DIR": str(model_dir)}))


@pytest.mark.parametrize("wish", [{}, {"top_k": 1}, {"threshold": 0.0, "top_k": 100}])
def test_the_row_keeps_what_is_not_sure_enough_to_be_told(
    work: ClassifyRunner, photographs: Mapping[str, bytes], wish: dict[str, float]
) -> None:
    params = CLASSIFY.check_params(wish)
    [result] = work.run([work.prepare(photographs["pets.jpg"], params)], [params])
    told = [(label["class_id"], label["score"]) for label in result["labels"]]
    kept = [*told, *result["unsure"]]
    scores = [score for _, score in kept]
    assert scores == sorted(scores, reverse=True)
    assert len({index for index, _ in kept}) == len(kept) > 3
    assert len(told) <= params["top_k"]
    assert len(result["unsure"]) <= max(0, MOST_KEPT - len(told))
    assert all(score >= LEAST_KEPT for _, score in result["unsure"])
    assert CLASSIFY.shown
    assert CLASSIFY.shown(result, params).keys() == {"labels", "broader", "top_k", "threshold"}


def test_an_image_is_indexed_by_them_too(sessions: Sessions, image: Image) -> None:
    names = load_imagenet()
    result = {
        "labels": [{"class_id": 285, "name": names[285].name, "score": 0.6}],
        "unsure": [(281, 0.03), (9, 0.01)],
    }
    ask = TaskRequest(task="classify", params={}, deadline=60)
    transact(sessions, lambda session: create(session, image, [ask], clock(session)))
    [job] = take(sessions, [ask.id]).fresh
    write(sessions, replace(success(job), result=result))
    transact(sessions, lambda session: session.execute(update(Image).values(visibility="public")))
    [document] = read(sessions, lambda session: look(session, [image.id], Words())).documents
    expected = [[names[285].name, 0.6], [names[281].name, 0.03], [names[9].name, 0.01]]
    assert decode(document.known)["labels"] == expected
    assert "ostrich" in document.texts["labels"].split()
