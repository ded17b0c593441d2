"""Captions that a provider is paid for need an account, unless the settings say otherwise."""

from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from common.captions import is_paid
from common.database.ids import new_id
from common.database.session import Sessions, transact
from common.settings import Settings
from common.tables import EngineProcess
from tests.api.limits.test_limits import Start
from tests.api.limits.test_limits import start_api as start_api
from tests.support.http.accounts import sign_up
from tests.support.http.calls_in_process import photo
from tests.support.services.in_process import app as app
from tests.support.services.in_process import send

PROVIDER = "openai://127.0.0.1:9/v1?model=any"
PNG = {"Content-Type": "image/png"}


def caption(url: str, **headers: str) -> requests.Response:
    address = f"{url}/v1/predictions?task=caption"
    return requests.post(address, photo(), headers=PNG | headers, timeout=30)


def test_a_paid_caption_needs_an_account(start_api: Start) -> None:
    url = start_api(CAPTIONER_URL=PROVIDER, OPENAI_API_KEY="key")
    refused = caption(url)
    assert (refused.status_code, refused.json()["code"]) == (401, "account_required")
    assert "log in" in refused.json()["detail"]
    fresh = requests.post(
        f"{url}/v1/images?tasks=caption&fresh=true", photo(), headers=PNG, timeout=30
    )
    assert fresh.json()["code"] == "account_required"
    assert caption(url, **sign_up(url).headers).status_code == 202
    image = requests.post(f"{url}/v1/images", photo(), headers=PNG, timeout=30).json()["id"]
    tasks = ("caption", "classify")
    items = [{"custom_id": task, "task": task, "image_id": image} for task in tasks]
    batch = requests.post(f"{url}/v1/batches", json=items, timeout=30)
    assert batch.status_code == 202
    listed = requests.get(f"{url}/v1/batches/{batch.json()['id']}/items", timeout=30).json()
    codes = [(item.get("error") or {}).get("code") for item in listed["items"]]
    assert codes == ["account_required", None]


def test_the_settings_may_let_anonymous_callers_have_some(start_api: Start) -> None:
    url = start_api(CAPTIONER_URL=PROVIDER, OPENAI_API_KEY="key", PAID_TASKS_ANONYMOUS="on")
    assert caption(url).status_code == 202


def test_an_engine_with_a_provider_is_enough_to_be_paid(app: Flask, sessions: Sessions) -> None:
    model: dict[str, Any] = {"name": "any", "version": "1", "runtime": "openai"}
    report = {"caption": {"model": model}}
    row = EngineProcess(id=new_id(), name="engine", report=report)
    transact(sessions, lambda session: session.add(row))
    refused = send(app, "/v1/predictions?task=caption", photo())
    assert refused.status_code == 401, refused.text
    assert send(app, "/v1/predictions?task=classify", photo()).status_code == 202


@pytest.mark.parametrize(
    ("settings", "paid"),
    [
        ({}, False),
        ({"CAPTIONER_URL": "openai://host/v1?model=m"}, True),
        ({"CAPTIONER_URL": "openai+http://host/v1?model=m"}, False),
        ({"CAPTIONER_URL": "openai+http://host/v1?model=m", "CAPTION_PRICE": "1,1"}, True),
        ({"CAPTION_PRICE": "1,1"}, False),
    ],
)
def test_which_captions_are_paid(settings: dict[str, str], paid: bool, tmp_path: Path) -> None:
    assert is_paid(Settings.from_env({"DATA_DIR": str(tmp_path)} | settings), None) is paid
