"""Results that are given again: same bytes, task, params and model, and nothing else."""

import time
from typing import Any

import pytest

from common.database.ids import new_id
from tests.support.http.calls import get, post
from tests.support.images.pictures import encode, picture
from tests.support.services.served import stack as stack

PREDICT = "/v1/predictions?task=classify"
UPLOAD = "/v1/images?tasks=classify"


@pytest.fixture(params=["standalone", "served"])
def service(request: pytest.FixtureRequest) -> str:
    if request.param == "standalone":
        return str(request.getfixturevalue("url"))
    return str(request.getfixturevalue("stack").base_url)


@pytest.fixture
def photo() -> bytes:
    """Bytes that nobody has sent before."""
    return encode(picture(size=(160, 120), seed=time.monotonic_ns()), "JPEG")


def asked(service: str, path: str, photo: bytes, **headers: str) -> dict[str, Any]:
    answer = post(service + path, data=photo, headers={"Content-Type": "image/jpeg", **headers})
    return {"status code": answer.status_code, **answer.json()}


def test_the_same_question_is_answered_at_once(service: str, photo: bytes) -> None:
    first = asked(service, PREDICT + "&wait=30", photo)
    assert (first["status code"], first["status"], first["cached"]) == (200, "succeeded", False)
    for again in (asked(service, PREDICT + wait, photo) for wait in ("", "&wait=30")):
        assert (again["status code"], again["status"], again["cached"]) == (200, "succeeded", True)
        assert (again["result"], again["model"]) == (first["result"], first["model"])
        assert again["id"] != first["id"]
        assert again["attempts"] == 0
        assert again["timings"] == {"queue": 0}
        assert again["created_at"] == again["started_at"] == again["finished_at"]
        shown = get(again["urls"]["get"]).json()
        assert shown == {key: again[key] for key in shown}, "the row says the same later"


def test_an_upload_carries_the_known_result(service: str, photo: bytes) -> None:
    first = asked(service, PREDICT + "&wait=30", photo)
    image = asked(service, UPLOAD, photo)
    assert image["status code"] == 201
    [known] = image["predictions"]
    assert (known["status"], known["cached"]) == ("succeeded", True)
    assert known["result"] == first["result"]
    more = post(f"{service}/v1/predictions", json={"task": "classify", "image_id": image["id"]})
    assert (more.status_code, more.json()["cached"]) == (200, True)


def test_who_wants_a_fresh_result_gets_one(service: str, photo: bytes) -> None:
    first = asked(service, PREDICT + "&wait=30", photo)
    assert asked(service, PREDICT + "&fresh=true", photo)["status code"] == 202
    fresh = asked(service, PREDICT + "&fresh=true&wait=30", photo)
    assert (fresh["cached"], fresh["attempts"]) == (False, 1)
    assert fresh["result"] == first["result"]
    form = {"data": {"task": "classify", "fresh": "true"}, "files": {"file": ("a.jpg", photo)}}
    assert post(f"{service}/v1/predictions", **form).status_code == 202
    json = {"task": "classify", "fresh": True, "image_id": fresh["image_id"]}
    assert post(f"{service}/v1/predictions", json=json).status_code == 202
    [again] = asked(service, UPLOAD + "&fresh=true", photo)["predictions"]
    assert not again["cached"]
    assert asked(service, PREDICT + "&fresh=false", photo)["cached"]


def test_other_params_are_another_question(service: str, photo: bytes) -> None:
    asked(service, PREDICT + "&wait=30", photo)
    other = asked(service, PREDICT + '&params={"top_k":1,"threshold":0}&wait=30', photo)
    assert not other["cached"]
    assert len(other["result"]["labels"]) == 1
    # The defaults said aloud, in another order, are the same question.
    same = asked(service, PREDICT + '&params={"threshold":0.05,"top_k":5}', photo)
    assert same["cached"]
    assert asked(service, PREDICT + '&params={"threshold":0.0,"top_k":1}', photo)["cached"]


def test_an_answer_that_was_waited_for_is_replayed(service: str, photo: bytes) -> None:
    key = {"Idempotency-Key": str(new_id())}
    first, again = (asked(service, PREDICT + "&wait=30", photo, **key) for _ in range(2))
    assert first["status code"] == 200
    assert again == first, "not even `cached` is another"
