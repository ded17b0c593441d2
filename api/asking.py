"""From a request's fields to what is asked: contract, params, deadline, and how long to wait."""

import re
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import Request, request, url_for

from api.context import edge
from api.errors import problem
from api.lookup import Shown, look_at
from api.schemas.predictions import LONGEST_WAIT, view
from common.predictions import Ask
from common.tables import State
from common.tasks import contract

RETRY_AFTER = "1"  # seconds; a guess that long polling makes needless
IMAGES_FAULT = "image_"  # what the codes of all faults of an image begin with
WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?", re.IGNORECASE)


def ask_for(
    task: str,
    params: dict[str, Any] | None = None,
    caller_data: dict[str, Any] | None = None,
    interactive: bool = False,
) -> Ask:
    """One task, with its params checked against its contract; raises InputFault."""
    wanted = contract(task)
    return Ask(
        task=wanted.name,
        params=wanted.check_params(params or {}),
        deadline=wanted.deadline,
        interactive=interactive,
        caller_data=caller_data,
    )


def preferred_wait(request: Request) -> float:
    """Seconds from `Prefer: wait=N` (RFC 7240), at most LONGEST_WAIT; 0 without one."""
    found = WAIT.search(request.headers.get("Prefer", ""))
    return min(float(found[1]), LONGEST_WAIT) if found else 0


def answer(row: Shown, wait: float) -> Any:
    """200 with the finished prediction, or 202 with where and when to look for it.

    A caller who waited is told as plainly as at the door that the image cannot be used.
    """
    [row] = wait_for([row], wait)
    headers = {"Location": url_for("predictions.get", id=row.id)}
    if preferred_wait(request):
        headers["Preference-Applied"] = f"wait={wait:g}"
    if wait and row.state == State.FAILED and str(row.error_code).startswith(IMAGES_FAULT):
        return problem(422, str(row.error_code), str(row.error_detail), headers=headers)
    if State(row.state).is_final:
        return view(row), 200, headers
    return view(row), 202, headers | {"Retry-After": RETRY_AFTER}


def wait_for(rows: Sequence[Shown], seconds: float) -> list[Shown]:
    """The rows as they are when they have finished, or `seconds` have passed for all of them."""
    if seconds <= 0:
        return list(rows)
    end = time.monotonic() + seconds
    return [_wait_for(row, end - time.monotonic()) for row in rows]


def _wait_for(row: Shown, seconds: float) -> Shown:
    if _is_final(row):
        return row
    look = partial(look_at, row.id)
    return edge().waiting.until_final(row.id, seconds, look, _is_final) or look() or row


def _is_final(row: Shown | None) -> bool:
    return row is None or State(row.state).is_final
