"""Requests with a bad form, id, wait, task or params get a documented answer.

Bad images are in `tests/api/uploads/test_bad_images.py`.
"""

import pytest

from tests.support.abuse.bad_requests import (
    BASE64,
    IMAGES,
    PHOTO,
    PREDICTIONS,
    UNKNOWN,
    Case,
    ask,
    asked,
    check_case,
    form,
    get,
    post,
)
from tests.support.http.raw import BOUNDARY, JPEG, MULTIPART, file, multipart
from tests.support.http.raw import field as text

NO_IDS = [
    "x", "1", UNKNOWN, UNKNOWN.upper(), "{" + UNKNOWN + "}", "urn:uuid:" + UNKNOWN,
    UNKNOWN.replace("-", ""), UNKNOWN + "0", "%00", "%ff", "%F0%9F%90%88", "x" * 3000, "..", "*",
]  # fmt: skip
NO_WAITS = ["nan", "inf", "-inf", "-1", "1e9", "30.01", "abc", "%00", "", "0x1", "1_0", "%D9%A3"]

ROWS_16_AND_ON = [
    *(
        Case(16, form(*more, path=path), 422, "image_missing")
        for path, more in ((IMAGES, ()), (PREDICTIONS, (text("task", "classify"),)))
    ),
    Case(16, post(b"", IMAGES, MULTIPART), 422, "image_missing", "file"),
    Case(16, form(text("file", "/tmp/a.jpg")), 422, "image_missing", "file"),
    Case(16, form(text("image", "a.jpg"), path=PREDICTIONS), 422, "image_missing", "image"),
    *(
        Case(16, post(multipart(file(PHOTO)), IMAGES, {"Content-Type": kind}), 400, code)
        for kind, code in (
            ("multipart/form-data", "boundary_missing"),
            ("multipart/form-data; boundary=", "boundary_missing"),
            ('multipart/form-data; boundary="', "boundary_missing"),
            ("multipart/form-data; boundary=\xff", "boundary_missing"),
            ("multipart/form-data; boundary=another", "multipart"),
        )
    ),
    *(
        Case(16, post(body, IMAGES, MULTIPART), 400, "multipart")
        for body in (
            multipart(file(PHOTO))[:-30], multipart(file(PHOTO))[:30],
            f"--{BOUNDARY}\r\nX: y\r\n\r\nz\r\n--{BOUNDARY}--\r\n".encode(),
        )
    ),
    Case(16, form(file(b"", file_name="")), 422, "image_empty"),
    Case(16, form(file(PHOTO), *[text(f"field{n}", "") for n in range(200)]), 413, "too_large"),
    Case(17, form(file(PHOTO), file(PHOTO)), 422, "exactly_one_image"),
    Case(17, form(file(PHOTO), file(PHOTO, "image")), 422, "exactly_one_image"),
    Case(17, form(file(PHOTO), text("data", BASE64)), 422, "exactly_one_image"),
    Case(17, ask(image_id=UNKNOWN), 422, "exactly_one_image"),
    Case(17, asked(text("image_id", UNKNOWN)), 422, "exactly_one_image"),
    *(
        Case(28, get(path.format(id=id)), 404, code)
        for path, code in ((IMAGES + "/{id}", "image_not_found"),
                           (IMAGES + "/{id}/content", "image_not_found"),
                           (PREDICTIONS + "/{id}", "prediction_not_found"),
                           ("/predictions/{id}", "prediction_not_found"))
        for id in NO_IDS
    ),
    # The resource that is asked for exists; it is a field of the body that names nothing.
    Case(28, ask(data=..., image_id=UNKNOWN), 422, "image_not_found", "image_id"),
    *(Case(28, ask(data=..., image_id=id), 422, "invalid", "image_id") for id in ("x", 3)),
    Case(28, ask(data=None, image_id=None), 422, "image_missing", "data"),
    *(Case(29, get(f"{PREDICTIONS}/{UNKNOWN}?wait={w}"), 422, "invalid", "wait") for w in NO_WAITS),
    *(
        Case(29, post(PHOTO, f"{path}wait={wait}", JPEG), 422, "invalid", "wait")
        for path in (IMAGES + "?", PREDICTIONS + "?task=classify&")
        for wait in NO_WAITS
    ),
    Case(36, ask(task="dream"), 422, "task_unknown", "task"),
    Case(36, ask(task="CLASSIFY"), 422, "task_unknown", "task"),
    *(
        Case(36, post(PHOTO, f"{IMAGES}?tasks={names}", JPEG), 422, "invalid", "tasks")
        for names in ("dream", "classify,dream", "classify&tasks=dream", ",", "%00", "%ff")
    ),
    Case(36, post(PHOTO, PREDICTIONS + "?task=dream", JPEG), 422, "task_unknown", "task"),
    *(
        Case(36, ask(params=params), 422, "params_invalid", "params")
        for params in ({"k": 1}, {"top_k": "5"}, {"top_k": 0}, {"top_k": 101}, {"top_k": True},
                       {"top_k": 1.5}, {"top_k": 10**30}, {"threshold": -1}, {"threshold": "nan"},
                       {"threshold": True}, {"threshold": 10**4000}, {"colour": None})
    ),
    Case(36, asked(text("params", '{"k": 1}')), 422, "params_invalid", "params"),
]  # fmt: skip


@pytest.mark.parametrize("case", ROWS_16_AND_ON, ids=str)
def test_a_bad_value_is_refused(url: str, case: Case) -> None:
    check_case(url, case)
