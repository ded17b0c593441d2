"""Select the model that a request names, if a running engine has it."""

from dataclasses import replace

from api.state import app_state, read
from common.errors import InputFault, Unavailable
from common.predictions import TaskRequest


def with_model(request: TaskRequest, reference: str | None) -> TaskRequest:
    """The request with the model of this reference; None: with the task's default model.

    Raises InputFault `model_unknown` if no running engine has the model, Unavailable if no engine
    for the task is running.
    """
    if reference is None:
        return request
    current, task = app_state(), request.task
    models = read(lambda session: current.running_models.named(session, task))
    if models is None:
        raise Unavailable(
            f"No engine for `{task}` is running, so its models are unknown. Try again later."
        )
    if reference not in models:
        known = ", ".join(sorted(models)) or "none"
        raise InputFault(
            f"No running engine has the model {reference} for `{task}`. Send one of: {known}.",
            code="model_unknown",
            errors={"model": [f"must be one of: {known}"]},
        )
    return replace(request, wanted_model=reference)
