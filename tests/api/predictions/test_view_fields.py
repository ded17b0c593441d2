"""A prediction's view is what its schema documents: nothing converts it on the way out."""

import json
from uuid import UUID

from flask import Flask
from marshmallow import fields

from api.predictions.history_schemas import LogEntry
from api.predictions.schemas import PredictionView, view
from common.callers import ANONYMOUS
from common.database.session import Sessions, read
from common.predictions import Success, find_records
from tests.support.http.calls_in_process import ask, call, upload
from tests.support.rows.prediction_steps import take, write
from tests.support.services.in_process import app as app

RESULT = {"labels": [], "broader": [], "top_k": 5, "threshold": 0.05}
MODEL = {"name": "m", "version": "1", "sha256": "0" * 64, "runtime": "litert"}
TIMINGS = {"fetch": 0.1, "decode": 0.2, "predict": 0.3}


def test_a_view_has_the_documented_fields_in_json_values(app: Flask, sessions: Sessions) -> None:
    id = UUID(ask(app, None, upload(app, None)["id"])["id"])
    [job] = take(sessions, [id]).jobs
    write(sessions, Success(job, RESULT, MODEL, TIMINGS))
    record = read(sessions, lambda session: find_records(session, [id]))[id]
    with app.test_request_context():
        shown = view(record, ANONYMOUS, is_asked_now=True)
    assert json.loads(json.dumps(shown)) == shown
    assert shown.keys() == PredictionView().fields.keys()
    for name in ("model", "timings", "urls"):
        field = PredictionView().fields[name]
        assert isinstance(field, fields.Nested)
        assert shown[name].keys() == field.schema.fields.keys()
    assert shown["id"] == str(id)
    assert shown["created_at"] == record.created_at.isoformat()


def test_an_entry_of_a_list_has_the_documented_fields(app: Flask) -> None:
    image = upload(app, None)["id"]
    ask(app, None, image)
    [entry] = call(app, "GET", f"/v1/predictions?image_id={image}", None).get_json()["items"]
    assert entry.keys() == LogEntry().fields.keys()
