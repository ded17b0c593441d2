"""From a request's fields to what is asked: contract, params, deadline, and how long to wait."""

import re
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import Request, g, request, url_for

from api.http.errors import problem
from api.limits.wait_slots import Wait
from api.predictions.projections import Shown, is_final
from api.predictions.queries import look_again
from api.predictions.queue_estimates import retry_after
from api.predictions.schemas import LONGEST_WAIT, view
from api.predictions.waiters import NoWaitSlot
from api.search.results import without_hidden
from api.state import app_state, caller_key, caller_network, current_user, services
from common.captions import is_paid
from common.database.session import read
from common.errors import InputFault, Unauthorized
from common.predictions import TaskRequest
from common.tables import State
from common.tasks import Contract, contract, image_tasks

IMAGES_FAULT = "image_"  # what the codes of all faults of an image begin with
WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?", re.IGNORECASE)


def ask_for(
    task: str,
    params: dict[str, Any] | None = None,
    caller_data: dict[str, Any] | None = None,
    interactive: bool = False,
    deadline: float | None = None,
    fresh: bool = False,
) -> TaskRequest:
    """One task, with its params checked against its contract; raises InputFault, and QueueFull when
    it would have to wait for longer than was promised.
    """
    wanted = contract(task)
    if not wanted.takes_image:
        known = ", ".join(image_tasks())
        raise InputFault(
            f"`{task}` is not asked of an image: use GET /v1/{task}. Of images: {known}.",
            code="task_takes_no_image",
            errors={"task": [f"must be one of: {known}"]},
        )
    check_paid(wanted)
    asked = TaskRequest(
        task=wanted.name,
        params=wanted.check_params(params or {}),
        deadline=deadline or wanted.deadline,
        interactive=interactive,
        caller_data=caller_data,
        fresh=fresh,
        owner_id=current_user().id,
    )
    app_state().queues.admit(wanted.name, interactive)
    return asked


def check_paid(wanted: Contract) -> None:
    """Raises Unauthorized when a provider is paid for the task and an account is needed for it."""
    settings = services().settings
    if not wanted.may_be_paid or settings.paid_tasks_anonymous or current_user().id:
        return
    model = read(services().sessions, partial(app_state().models.answering, task=wanted.name))
    if is_paid(settings, model):
        detail = f"`{wanted.name}` is paid for here, so it needs an account: sign in and ask again."
        raise Unauthorized(detail, code="account_required")


def preferred_wait(request: Request) -> float:
    """Seconds from `Prefer: wait=N` (RFC 7240), at most LONGEST_WAIT; 0 without one."""
    found = WAIT.search(request.headers.get("Prefer", ""))
    return min(float(found[1]), LONGEST_WAIT) if found else 0


def answer(row: Shown, wait: float) -> Any:
    """200 with the finished prediction, or 202 with where and when to look for it.

    A caller who waited is told as plainly as at the door that the image cannot be used.
    """
    [row] = wait_for([row], wait)
    if is_final(row):
        return _final_answer(row, wait)
    # Who does not wait stands at the end of the queue: that needs no look at the row.
    queues = app_state().queues
    place = queues.place(row) if wait else queues.enter(row.task, interactive=False)
    told = view(row, current_user(), place, is_asked_now=True)
    return told, 202, _headers(row, wait) | {"Retry-After": retry_after(place)}


def _final_answer(row: Shown, wait: float) -> Any:
    headers = _headers(row, wait)
    if wait and row.state == State.FAILED and str(row.error_code).startswith(IMAGES_FAULT):
        return problem(422, str(row.error_code), str(row.error_detail), headers=headers)
    return view(row, current_user(), is_asked_now=True), 200, headers


def _headers(row: Shown, wait: float) -> dict[str, str]:
    headers = {"Location": url_for("predictions.get", id=row.id)}
    if preferred_wait(request):
        headers["Preference-Applied"] = f"wait={wait:g}"
    return headers


def shown(row: Shown, unfinished: int = 200) -> Any:
    """A prediction as it is now: 200; while it is unfinished, the status given and when to look
    again.
    """
    caller = current_user()
    if is_final(row):
        [told] = without_hidden(caller, [view(row, caller)])
        return told, 200, {}
    place = app_state().queues.place(row)
    return view(row, caller, place), unfinished, {"Retry-After": retry_after(place)}


def wait_for(rows: Sequence[Shown], seconds: float, is_poll: bool = False) -> list[Shown]:
    """The rows as they are when they have finished, or `seconds` have passed for all of them.

    With too many requests waiting already, the rows as they are now; `was_refused_a_wait` tells.
    `is_poll`: an earlier request has asked for the work (see `api/limits/wait_slots.py`).
    """
    if seconds <= 0:
        return list(rows)
    end = time.monotonic() + seconds
    wait = Wait(caller_key(), caller_network(), is_poll)
    return [_wait_for(row, end - time.monotonic(), wait) for row in rows]


def _wait_for(row: Shown, seconds: float, wait: Wait) -> Shown:
    if is_final(row):
        return row
    try:
        found = app_state().waiting.until_final(row.id, seconds, wait)
    except NoWaitSlot:
        g.wait_refused = True
        return look_again(row.id)
    g.waited = True
    return found or look_again(row.id)


def was_refused_a_wait() -> bool:
    """Whether this request was answered at once because too many others waited."""
    return bool(g.get("wait_refused"))
