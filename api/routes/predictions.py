"""/v1/predictions: ask for a task, come back for its result."""

from typing import Any

from flask import request
from flask_smorest import Blueprint

from api.asking import answer, ask_for, preferred_wait, wait_for
from api.body import Body, read_body
from api.context import edge
from api.documentation import PREDICTION_BODY
from api.intake import Accepted, ask, receive
from api.lookup import find_image, find_prediction
from api.schemas.predictions import PredictionRequest, PredictionView, WaitQuery, view
from common.errors import InputFault, NotFound
from common.tables import State

blueprint = Blueprint(
    "predictions", __name__, url_prefix="/v1/predictions", description="Predictions."
)

REQUEST = PredictionRequest()


@blueprint.post("")
@blueprint.arguments(WaitQuery, location="query")
@blueprint.response(202, PredictionView)
@blueprint.alt_response(200, schema=PredictionView, description="Finished within the wait")
@blueprint.doc(requestBody=PREDICTION_BODY)
def create(query: dict[str, Any]) -> Any:
    """Ask for a task on an image: one that comes along, or a stored one by its id."""
    wait = query["wait"] or preferred_wait(request)
    accepted = _accept(read_body(request, aside=["wait"]), interactive=wait > 0)
    return answer(accepted.predictions[0], wait)


def _accept(body: Body, interactive: bool) -> Accepted:
    wanted = REQUEST.load(body.fields)
    task = ask_for(wanted["task"], wanted["params"], wanted["metadata"], interactive)
    if (body.image is None) == ("image_id" not in wanted):
        raise _not_one_image(body)
    if body.image is not None:
        return receive(edge(), body.image, body.file_name, wanted["visibility"], [task])
    return ask(edge(), _stored(str(wanted["image_id"])), [task])


def _not_one_image(body: Body) -> InputFault:
    code = "image_missing" if body.image is None else "exactly_one_image"
    detail = "Send exactly one image, or the `image_id` of a stored one."
    return InputFault(detail, code=code, errors={body.image_field: [detail]})


def _stored(id: str) -> Any:
    try:
        return find_image(id)[0]
    except NotFound as error:
        raise InputFault(
            error.detail, code=error.code, errors={"image_id": ["no such image"]}
        ) from error


@blueprint.get("/<id>")
@blueprint.arguments(WaitQuery, location="query")
@blueprint.response(200, PredictionView)
def get(query: dict[str, Any], id: str) -> Any:
    """A prediction as it stands; with `wait`, as soon as it has finished."""
    [row] = wait_for([find_prediction(id)], query["wait"])
    headers = {} if State(row.state).is_final else {"Retry-After": "1"}
    return view(row), 200, headers
