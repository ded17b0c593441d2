"""From the fields of a request to a TaskRequest, and from a prediction to the response."""

import re
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import Request, g, request, url_for

from api.http.problems import problem
from api.limits.wait_slots import Wait
from api.predictions.queries import reload_prediction
from api.predictions.queue_estimates import retry_after
from api.predictions.schemas import LONGEST_WAIT, view
from api.predictions.waiters import NoWaitSlot
from api.search.results import without_hidden
from api.state import app_state, caller_key, caller_network, current_user, read, services
from common.captions import is_paid
from common.errors import InputFault, Unauthorized
from common.predictions import PredictionRecord, TaskRequest
from common.tasks import Contract, contract, image_tasks

WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?", re.IGNORECASE)


def new_task_request(
    task: str,
    params: dict[str, Any] | None = None,
    caller_data: dict[str, Any] | None = None,
    interactive: bool = False,
    deadline: float | None = None,
    fresh: bool = False,
) -> TaskRequest:
    """A request for one task on an image, its params validated against the task's contract.

    Raises InputFault; Unauthorized if the task is paid and needs an account; QueueFull if it would
    wait in the queue for longer than promised.
    """
    task_contract = contract(task)
    if not task_contract.takes_image:
        known = ", ".join(image_tasks())
        raise InputFault(
            f"`{task}` does not run on an image: send GET /v1/{task}. Tasks for images: {known}.",
            code="task_takes_no_image",
            errors={"task": [f"must be one of: {known}"]},
        )
    check_paid(task_contract)
    task_request = TaskRequest(
        task=task_contract.name,
        params=task_contract.check_params(params or {}),
        deadline=deadline or task_contract.deadline,
        interactive=interactive,
        caller_data=caller_data,
        fresh=fresh,
        owner_id=current_user().id,
    )
    app_state().queue_estimates.admit(task_contract.name, interactive)
    return task_request


def check_paid(task_contract: Contract) -> None:
    """Raise Unauthorized for an anonymous caller if the task is paid and needs an account."""
    settings = services().settings
    if not task_contract.may_be_paid or settings.paid_tasks_anonymous or current_user().id:
        return
    model = read(partial(app_state().running_models.answering, task=task_contract.name))
    if is_paid(settings, model):
        detail = f"`{task_contract.name}` costs the operator money and needs an account: log in."
        raise Unauthorized(detail, code="account_required")


def preferred_wait(request: Request) -> float:
    """The seconds of `Prefer: wait=N` (RFC 7240), at most LONGEST_WAIT; 0 without it."""
    match = WAIT.search(request.headers.get("Prefer", ""))
    return min(float(match[1]), LONGEST_WAIT) if match else 0


def answer(record: PredictionRecord, wait: float) -> Any:
    """The answer to the request that created the prediction: 200 when it is final within `wait`
    seconds, otherwise 202 with its URL and Retry-After.

    If the request waited and the image is at fault, the answer is the same 422 as for an upload
    that is rejected at once.
    """
    [record] = wait_for([record], wait)
    if record.is_final:
        return _final_answer(record, wait)
    # Without a wait it has just joined the end of its queue: its row need not be read.
    queues = app_state().queue_estimates
    position = queues.find(record) if wait else queues.add(record.task, interactive=False)
    body = view(record, current_user(), position, is_asked_now=True)
    return body, 202, _headers(record, wait) | {"Retry-After": retry_after(position)}


def _final_answer(record: PredictionRecord, wait: float) -> Any:
    headers = _headers(record, wait)
    if wait and (fault := record.image_fault):
        return problem(422, fault.code, fault.detail, headers=headers)
    return view(record, current_user(), is_asked_now=True), 200, headers


def _headers(record: PredictionRecord, wait: float) -> dict[str, str]:
    headers = {"Location": url_for("predictions.get", id=record.id)}
    if preferred_wait(request):
        headers["Preference-Applied"] = f"wait={wait:g}"
    return headers


def current_answer(record: PredictionRecord, unfinished: int = 200) -> Any:
    """A prediction as it is now: status 200 if it is final, otherwise `unfinished` with
    Retry-After.
    """
    caller = current_user()
    if record.is_final:
        [body] = without_hidden(caller, [view(record, caller)])
        return body, 200, {}
    position = app_state().queue_estimates.find(record)
    return view(record, caller, position), unfinished, {"Retry-After": retry_after(position)}


def wait_for(
    records: Sequence[PredictionRecord], seconds: float, is_poll: bool = False
) -> list[PredictionRecord]:
    """The predictions once all of them are final, or as they are after `seconds`.

    If too many requests wait already, returns them at once; see `was_refused_a_wait`.
    `is_poll`: an earlier request created them (see `api/limits/wait_slots.py`).
    """
    if seconds <= 0:
        return list(records)
    end = time.monotonic() + seconds
    wait = Wait(caller_key(), caller_network(), is_poll)
    return [_wait_for(record, end - time.monotonic(), wait) for record in records]


def _wait_for(record: PredictionRecord, seconds: float, wait: Wait) -> PredictionRecord:
    if record.is_final:
        return record
    try:
        awaited = app_state().waiters.until_final(record.id, seconds, wait)
    except NoWaitSlot:
        g.wait_refused = True
        return reload_prediction(record.id)
    g.waited = True
    return awaited or reload_prediction(record.id)


def was_refused_a_wait() -> bool:
    """Whether this request could not wait because too many requests waited already."""
    return bool(g.get("wait_refused"))
