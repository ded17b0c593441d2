"""The model that a request names: one that a running engine has."""

from dataclasses import replace

from api.state import app_state, read
from common.errors import InputFault, Unavailable
from common.predictions import TaskRequest


def with_model(ask: TaskRequest, reference: str | None) -> TaskRequest:
    """The same, asked of the model of this reference; None: of the task's default.

    Raises InputFault `model_unknown`, and Unavailable when no engine is there to say what it has.
    """
    if reference is None:
        return ask
    current = app_state()
    there = read(lambda session: current.models.named(session, ask.task))
    if there is None:
        raise Unavailable(f"No engine for `{ask.task}` is running, which would know its models.")
    if reference not in there:
        known = ", ".join(sorted(there)) or "none"
        raise InputFault(
            f"No running engine has the model {reference} for `{ask.task}`; there is: {known}.",
            code="model_unknown",
            errors={"model": [f"must be one of: {known}"]},
        )
    return replace(ask, wanted_model=reference)
