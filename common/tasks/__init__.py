"""The tasks' contracts: what may be asked of an image or a text, and what the answer looks like.

A file of this folder is a task: it defines `CONTRACT`. The work itself is `engine/tasks/<name>.py`.
Routes, queues, the OpenAPI page and the README's table follow from the contracts.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from marshmallow import RAISE, Schema, ValidationError

from common.errors import InputFault

MINUTE = 60
PIXELS_PER_UNIT = 4_000_000  # of an image, whose decoding may cost more than its task


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What goes into a task and what comes out."""

    name: str
    summary: str  # one line, for people
    params: type[Schema]
    result: type[Schema]
    cacheable: bool = True  # the same bytes, params and model version give the same result
    deadline: float = 15 * MINUTE  # seconds after which nobody waits for the answer any more
    internal: bool = False  # asked for inside the house alone: no caller can name it
    # Units of PREDICTION_QUOTA: about 10 ms of a processor each.
    cost: int = 1
    may_be_paid: bool = False  # a provider may be paid for it
    takes_image: bool = True  # it is asked of an image; else all it needs is in its params
    # What is told of a stored result and its params; None: all of it.
    shown: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]] | None = None

    def check_params(self, given: dict[str, Any]) -> dict[str, Any]:
        """The params with their defaults; raises InputFault that names the wrong ones."""
        try:
            loaded: dict[str, Any] = _instance(self.params).load(given)
        except ValidationError as error:
            known = ", ".join(sorted(_instance(self.params).fields))
            raise InputFault(
                f"Some params of `{self.name}` cannot be used; it knows: {known}.",
                code="params_invalid",
                errors={"params": error.normalized_messages()},
            ) from error
        return loaded

    def units(self, pixels: int = 0) -> int:
        """What the task costs on an image of so many pixels, in units of PREDICTION_QUOTA."""
        return self.cost + pixels // PIXELS_PER_UNIT

    def queue(self, interactive: bool = False) -> str:
        """The name of the task's queue; interactive requests have their own, served first."""
        return queue_name(self.name, interactive)


@cache
def _instance(schema: type[Schema]) -> Schema:
    """Making a schema costs more than using it."""
    return schema(unknown=RAISE)


def queue_name(task: str, interactive: bool) -> str:
    """`afterimage.<task>` or `afterimage.<task>.interactive`."""
    return f"afterimage.{task}.interactive" if interactive else f"afterimage.{task}"


@cache
def all_contracts() -> dict[str, Contract]:
    """Every task by its name: the files of this folder. Cached: it only depends on the code."""
    found = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        contract: Contract = importlib.import_module(f"{__name__}.{module.name}").CONTRACT
        found[contract.name] = contract
    return found


@cache
def contracts() -> dict[str, Contract]:
    """The tasks that callers may ask for."""
    return {name: each for name, each in all_contracts().items() if not each.internal}


def is_internal(task: str) -> bool:
    """Whether only the service itself asks for the task."""
    found = all_contracts().get(task)
    return found is not None and found.internal


@cache
def image_tasks() -> tuple[str, ...]:
    """The names of those tasks that may be asked of an image."""
    return tuple(name for name, each in contracts().items() if each.takes_image)


def contract(task: str, internal: bool = False) -> Contract:
    """The contract of `task`, an internal one only for the house itself; raises InputFault that
    lists the known tasks.
    """
    try:
        return (all_contracts() if internal else contracts())[task]
    except KeyError:
        raise InputFault(
            f"There is no task `{task}`; known tasks: {', '.join(contracts())}.",
            code="task_unknown",
            errors={"task": [f"must be one of: {', '.join(contracts())}"]},
        ) from None
