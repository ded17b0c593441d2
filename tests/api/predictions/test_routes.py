"""/v1/images and /v1/predictions: forms of upload, waiting, what is answered and shown."""

import base64
import hashlib
import re
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import requests

from tests.support.http.calls import FORMS, LONGEST_WAIT, forms, get, post
from tests.support.images.pictures import encode, picture

PHOTO = encode(picture(), "JPEG")


# ---- /v1/images


@pytest.mark.parametrize("form", FORMS)
def test_an_image_is_stored_in_every_form(url: str, form: str, cat: bytes) -> None:
    query = {"name": "cat.jpg" if form == "raw" else "another.jpg"}  # the file's own comes first
    answer = post(f"{url}/v1/images", params=query, **forms(cat)[form])
    image = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/images/{image['id']}"
    assert UUID(image["id"]).version == 7
    facts = {"media_type": "image/jpeg", "size": len(cat), "width": 1280, "height": 720}
    assert image.items() >= facts.items()
    assert image["file_name"] == "cat.jpg"
    assert image["sha256"] == hashlib.sha256(cat).hexdigest()
    assert (image["visibility"], image["predictions"]) == ("unlisted", [])
    assert abs(_age(image["created_at"])) < timedelta(minutes=1)
    assert image["urls"] == {
        "get": f"{url}/v1/images/{image['id']}",
        "content": f"{url}/v1/images/{image['id']}/content",
        "thumbnail": f"{url}/v1/images/{image['id']}/thumbnail",
        "preview": f"{url}/v1/images/{image['id']}/preview",
    }
    assert get(image["urls"]["get"]).json() == image


def _age(moment: str) -> timedelta:
    then = datetime.fromisoformat(moment)
    assert then.utcoffset() == timedelta(0), "RFC 3339, in UTC"
    return datetime.now(then.tzinfo) - then


@pytest.mark.parametrize("form", FORMS)
def test_tasks_are_asked_for_at_once(url: str, form: str, cat: bytes) -> None:
    query = {"tasks": "classify", "wait": LONGEST_WAIT}
    image = post(f"{url}/v1/images", params=query, **forms(cat)[form]).json()
    [prediction] = image["predictions"]
    assert (prediction["task"], prediction["status"]) == ("classify", "succeeded")
    assert prediction["result"]["labels"][0]["name"] == "Egyptian cat"
    assert prediction["image_id"] == image["id"]
    assert get(image["urls"]["get"]).json()["predictions"] == [prediction]


def test_a_task_named_twice_is_asked_for_once(url: str) -> None:
    for query in ("tasks=classify,classify", "tasks=classify&tasks=classify"):
        image = post(f"{url}/v1/images?{query}", **forms(PHOTO)["raw"]).json()
        assert len(image["predictions"]) == 1


def test_without_tasks_nothing_is_asked_for(url: str) -> None:
    assert post(f"{url}/v1/images?tasks=", **forms(PHOTO)["raw"]).json()["predictions"] == []


def test_the_same_bytes_of_an_anonymous_caller_are_another_image(url: str) -> None:
    # All anonymous callers look alike: the id of the one's image is not the other's to know.
    first, second = (post(f"{url}/v1/images", **forms(PHOTO)["raw"]) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.parametrize("given", ["public", "unlisted"])
def test_a_visibility_can_be_chosen_in_every_form(url: str, given: str) -> None:
    for form, sent in forms(PHOTO).items():
        fields = {"visibility": given}
        if form == "base64":
            sent["json"] |= fields
        elif form == "raw":
            sent["params"] = fields
        else:
            sent["data"] = fields
        assert post(f"{url}/v1/images", **sent).json()["visibility"] == given, form


@pytest.mark.parametrize(
    ("given", "kept"),
    [("cat.jpg", "cat.jpg"), ("../../etc/passwd", "passwd"), (r"C:\photos\cat.jpg", "cat.jpg"),
     ("Katze 😀.jpg", "Katze 😀.jpg"), ("x" * 300 + ".jpg", "x" * 251 + ".jpg"), ("", "image.jpg")],
)  # fmt: skip
def test_a_file_name_is_shown_without_its_path(url: str, given: str, kept: str) -> None:
    sent = {"name": given, "data": base64.b64encode(PHOTO).decode()}
    assert post(f"{url}/v1/images", json=sent).json()["file_name"] == kept
    if given and "\\" not in given:  # in a form it would escape the next character
        form = post(f"{url}/v1/images", files={"file": (given, PHOTO)}).json()
        assert form["file_name"] == kept


def test_other_file_parts_than_the_image_are_passed_over(url: str) -> None:
    stray = {"Content-Type": ("Content-Type", b"x"), "filename": ("filename", b"y")}
    assert post(f"{url}/v1/images", files={"file": ("a.jpg", PHOTO), **stray}).status_code == 201


def test_the_content_is_the_image_and_is_kept_by_browsers(url: str) -> None:
    image = post(f"{url}/v1/images", files={"file": ("Katze.jpg", PHOTO)}).json()
    content = get(image["urls"]["content"])
    assert (content.status_code, content.content) == (200, PHOTO)
    assert content.headers["Content-Type"] == "image/jpeg"
    assert content.headers["X-Content-Type-Options"] == "nosniff"
    assert content.headers["Cache-Control"] == "private, max-age=86400, must-revalidate"
    assert content.headers["Content-Disposition"] == "inline; filename*=UTF-8''Katze.jpg"
    for tag in (content.headers["ETag"], "W/" + content.headers["ETag"], "*"):
        again = get(image["urls"]["content"], headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
    assert get(image["urls"]["content"], headers={"If-None-Match": '"x"'}).content == PHOTO
    part = get(image["urls"]["content"], headers={"Range": "bytes=0-9"})
    assert part.content in (PHOTO, PHOTO[:10])
    head = requests.head(image["urls"]["content"], timeout=10)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(PHOTO)))


# ---- /v1/predictions


@pytest.mark.parametrize("form", FORMS)
def test_a_prediction_is_made_in_every_form(url: str, form: str, cat: bytes) -> None:
    sent = forms(cat)[form]
    fields = {"task": "classify"}
    if form == "base64":
        sent["json"] |= fields
    else:
        sent["params" if form == "raw" else "data"] = fields
    answer = post(f"{url}/v1/predictions?fresh=true", **sent)
    row = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/predictions/{row['id']}"
    assert int(answer.headers["Retry-After"]) >= 1
    assert (row["status"], row["result"], row["attempts"]) == ("queued", None, 0)
    done = get(f"{url}{answer.headers['Location']}", params={"wait": LONGEST_WAIT})
    assert done.status_code == 200
    assert "Retry-After" not in done.headers
    check_finished(done.json(), row["id"], url)


def check_finished(row: dict[str, Any], id: str, url: str) -> None:
    facts = {"id": id, "task": "classify", "status": "succeeded", "attempts": 1, "error": None}
    assert row.items() >= facts.items()
    labels = row["result"]["labels"]
    assert labels[0]["name"] == "Egyptian cat"
    assert labels[0]["class_id"] == 285
    assert labels[0]["wnid"] == "n02124075"
    scores = [each["score"] for each in labels]
    assert all(0 <= score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)
    assert len(labels) <= row["result"]["top_k"] == row["params"]["top_k"] == 5
    assert re.fullmatch("[0-9a-f]{64}", row["model"]["sha256"])
    assert row["model"]["name"]
    assert row["model"]["version"]
    assert set(row["timings"]) == {"queue", "fetch", "decode", "predict", "write"}
    assert all(seconds >= 0 for seconds in row["timings"].values())
    times = [row[name] for name in ("created_at", "started_at", "finished_at", "deadline_at")]
    assert times == sorted(times)
    assert row["urls"]["get"] == f"{url}/v1/predictions/{id}"
    assert get(row["urls"]["image"]).json()["id"] == row["image_id"]


def test_a_stored_image_is_asked_about_by_its_id(url: str, cat: bytes) -> None:
    image = post(f"{url}/v1/images", **forms(cat)["raw"]).json()
    asked = {"task": "classify", "image_id": image["id"], "params": {"top_k": 1, "threshold": 1}}
    row = post(f"{url}/v1/predictions?wait={LONGEST_WAIT}", json=asked).json()
    assert row["image_id"] == image["id"]
    assert [label["name"] for label in row["result"]["labels"]] == ["Egyptian cat"]
    assert row["params"] == {"top_k": 1, "threshold": 1.0}
    [shown] = get(image["urls"]["get"]).json()["predictions"]
    assert shown == row


def test_params_and_metadata_come_in_a_form_as_json(url: str, cat: bytes) -> None:
    fields = {"task": "classify", "params": '{"top_k": 2}', "metadata": '{"é": [1, {"x": null}]}'}
    sent = {"data": fields, **forms(cat)["multipart"]}
    row = post(f"{url}/v1/predictions?wait={LONGEST_WAIT}", **sent).json()
    assert len(row["result"]["labels"]) <= 2
    assert row["metadata"] == {"é": [1, {"x": None}]}
    empty = {"data": {"task": "classify", "params": "", "metadata": ""}}
    asked = post(f"{url}/v1/predictions?fresh=true", **empty, **forms(cat)["multipart"])
    assert asked.status_code == 202


@pytest.mark.parametrize(
    ("query", "prefer"),
    [
        (f"?wait={LONGEST_WAIT}", ""),
        ("", f"wait={LONGEST_WAIT}"),
        ("", f'foo; wait="{LONGEST_WAIT}"'),
    ],
)
def test_who_waits_gets_the_result_at_once(url: str, query: str, prefer: str, cat: bytes) -> None:
    headers = {"Prefer": prefer} if prefer else {}
    sent = {"data": {"task": "classify"}, "files": {"file": cat}, "headers": headers}
    answer = post(f"{url}/v1/predictions{query}", **sent)
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    assert answer.headers["Location"] == f"/v1/predictions/{answer.json()['id']}"
    assert answer.headers.get("Preference-Applied") == ("wait=30" if prefer else None)


def test_waiting_for_what_is_finished_takes_no_time(url: str) -> None:
    sent = {"data": {"task": "classify"}, "files": {"file": PHOTO}}
    row = post(f"{url}/v1/predictions?wait={LONGEST_WAIT}", **sent).json()
    started = time.monotonic()
    assert get(f"{row['urls']['get']}?wait={LONGEST_WAIT}").json() == row
    assert time.monotonic() - started < 2
