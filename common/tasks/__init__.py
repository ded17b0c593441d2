"""The contracts of all tasks: what a request contains, what the result contains, what follows.

Each module of this package describes one task and defines `CONTRACT`. The module of the same name
in `engine/tasks` runs the task. Routes, queues, the OpenAPI document, the search index, retention
and the README's table are derived from the contracts.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from marshmallow import RAISE, Schema, ValidationError

from common.errors import InputFault
from common.search.facts import SearchableFacts

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MINUTE = 60
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
PIXELS_PER_UNIT = 4_000_000  # of an image: decoding a large image may cost more than its task


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSuccess:
    """A prediction that has succeeded, as `Contract.on_success` receives it."""

    params: Mapping[str, Any]
    result: Mapping[str, Any]
    model: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The description of one task; only `name`, `summary`, `params` and `result` are required."""

    name: str
    summary: str  # one line of documentation
    params: type[Schema]
    result: type[Schema]
    takes_image: bool = True  # False: everything the task needs is in its params
    internal: bool = False  # only the service itself creates such predictions
    optional: bool = False  # the service counts as ready without a model for it
    deadline: float = 15 * MINUTE  # seconds after which an unfinished prediction expires

    cost: int = 1  # units of PREDICTION_QUOTA, about 10 ms of CPU time each
    may_be_paid: bool = False  # a provider may charge for it

    cacheable: bool = True  # equal bytes, params and model version give an equal result
    # Converts a stored result and its params to the public result; None: they are the same.
    shown: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]] | None = None

    # Extracts from a stored result what the search index holds of it; None: it is not indexed.
    searchable: Callable[[Mapping[str, Any]], SearchableFacts] | None = None
    required_by_index: bool = False  # the indexer creates it for images that have no prediction
    indexed_per_model: bool = False  # the index holds the results of all models that were requested

    # Called once a batch, in the transaction that stores these results; must not commit.
    on_success: Callable[["Session", Sequence[TaskSuccess]], None] | None = None
    # Seconds from its start after which a final prediction is removed; None: never.
    keep_succeeded: float | None = None
    keep_unsuccessful: float | None = None

    @property
    def is_indexed(self) -> bool:
        """Whether a result changes what the search index holds of its image."""
        return self.searchable is not None

    def check_params(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the params completed with their defaults.

        Raises InputFault, which names each invalid param.
        """
        try:
            loaded: dict[str, Any] = (
                _instance(self.params).load(given) if given else dict(_defaults(self.params))
            )
        except ValidationError as error:
            known = ", ".join(sorted(_instance(self.params).fields))
            raise InputFault(
                f"Some params of `{self.name}` cannot be used; it knows: {known}.",
                code="params_invalid",
                errors={"params": error.normalized_messages()},
            ) from error
        return loaded

    def units(self, pixels: int = 0) -> int:
        """Return the cost for an image of `pixels` pixels, in units of PREDICTION_QUOTA."""
        return self.cost + pixels // PIXELS_PER_UNIT

    def queue(self, interactive: bool = False) -> str:
        """Return the name of the task's queue; interactive requests have one of their own, which
        is served first.
        """
        return queue_name(self.name, interactive)


@cache
def _instance(schema: type[Schema]) -> Schema:
    """Return one instance of a schema: creating it costs more than using it."""
    return schema(unknown=RAISE)


@cache
def _defaults(schema: type[Schema]) -> Mapping[str, Any]:
    """Return the params of a request without any; raises ValidationError if some are required."""
    defaults: Mapping[str, Any] = _instance(schema).load({})
    return defaults


def queue_name(task: str, interactive: bool) -> str:
    """Return `afterimage.<task>` or `afterimage.<task>.interactive`."""
    return f"afterimage.{task}.interactive" if interactive else f"afterimage.{task}"


@cache
def all_contracts() -> dict[str, Contract]:
    """Return the contract of every task by name; cached, because it only depends on the code."""
    by_name = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        contract: Contract = importlib.import_module(f"{__name__}.{module.name}").CONTRACT
        by_name[contract.name] = contract
    return by_name


@cache
def contracts() -> dict[str, Contract]:
    """Return the contracts of the tasks that a caller may request."""
    return {name: each for name, each in all_contracts().items() if not each.internal}


def is_internal(task: str) -> bool:
    """Whether only the service itself creates predictions of this task."""
    contract = all_contracts().get(task)
    return contract is not None and contract.internal


@cache
def image_tasks() -> tuple[str, ...]:
    """Return the names of the tasks that a caller may request for an image."""
    return tuple(name for name, each in contracts().items() if each.takes_image)


@cache
def indexed_tasks() -> tuple[str, ...]:
    """Return the names of the tasks whose results are in the search index."""
    return tuple(name for name, each in all_contracts().items() if each.is_indexed)


def contract(task: str, internal: bool = False) -> Contract:
    """Return the contract of `task`; an internal task is only found with `internal`.

    Raises InputFault, which lists the known tasks.
    """
    try:
        return (all_contracts() if internal else contracts())[task]
    except KeyError:
        raise InputFault(
            f"There is no task `{task}`; known tasks: {', '.join(contracts())}.",
            code="task_unknown",
            errors={"task": [f"must be one of: {', '.join(contracts())}"]},
        ) from None
