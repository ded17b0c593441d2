"""The caller that an Idempotency-Key belongs to: keys of two callers never meet."""

from typing import Any

import pytest
from flask import Flask

from common.database.session import Sessions
from common.tables import Image
from tests.support.http.accounts import sign_up
from tests.support.images.pictures import encode, picture
from tests.support.services.in_process import app as app
from tests.support.services.in_process import count, send

ONE, OTHER = encode(picture(seed=1), "PNG"), encode(picture(seed=2), "PNG")
UPLOADS = ["/v1/images?tasks=classify", "/v1/predictions?task=classify"]


def coming_from(address: str) -> dict[str, Any]:
    return {"environ_overrides": {"REMOTE_ADDR": address}}


@pytest.mark.parametrize("path", UPLOADS)
def test_two_networks_with_one_key_get_ids_of_their_own(
    app: Flask, sessions: Sessions, path: str
) -> None:
    first, second = (
        send(app, path, ONE, "1", **coming_from(address))
        for address in ("203.0.113.7", "203.0.113.8")
    )
    assert first.status_code == second.status_code
    assert "Idempotent-Replayed" not in second.headers
    assert first.json and second.json and first.json["id"] != second.json["id"]
    assert count(sessions, Image) == 2


def test_a_key_that_another_network_has_claimed_is_free(app: Flask) -> None:
    claimed = send(app, UPLOADS[0], ONE, "1", **coming_from("203.0.113.7"))
    other = send(app, UPLOADS[0], OTHER, "1", **coming_from("2001:db8::1"))
    assert (claimed.status_code, other.status_code) == (201, 201)


def test_one_client_is_one_caller_whatever_its_port(app: Flask) -> None:
    first, again = (
        send(app, UPLOADS[0], ONE, "1", **coming_from(address))
        for address in ("203.0.113.7:4711", "::ffff:203.0.113.7")
    )
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.data == first.data


def test_an_account_does_not_share_keys_with_its_network(app: Flask) -> None:
    token = sign_up(app).headers["Authorization"]
    mine = send(app, UPLOADS[0], ONE, "1", environ_overrides={"HTTP_AUTHORIZATION": token})
    anonymous = send(app, UPLOADS[0], ONE, "1")
    assert "Idempotent-Replayed" not in anonymous.headers
    assert mine.json and anonymous.json and mine.json["id"] != anonymous.json["id"]
