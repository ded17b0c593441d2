"""What a worker has open: its task's default Work, and the last few that requests named."""

from collections import OrderedDict
from collections.abc import Callable

import structlog

from common.errors import ModelUnavailable
from engine.tasks import TaskRunner

log = structlog.get_logger(__name__)
NAMED = 2  # works of named models that a worker keeps, beside the default


class ModelCache:
    """One worker's works. `open_runner` is given a model's reference, or None for the default;
    `stamp` gives another value when another model may have become the default.
    """

    def __init__(
        self, open_runner: Callable[[str | None], TaskRunner], stamp: Callable[[], object]
    ):
        self._open_work = open_runner
        self._stamp = stamp
        self._seen: object = None
        self._default: TaskRunner | None = None
        self._named: OrderedDict[str, TaskRunner] = OrderedDict()

    def default(self) -> TaskRunner:
        """The default, opened again when that has changed. A new one that cannot be opened leaves
        the old one in place; raises ModelUnavailable when there is none.
        """
        seen = self._stamp()
        if self._default is None or seen != self._seen:
            try:
                self._default = self._open_work(None)
            except ModelUnavailable as error:
                if self._default is None:
                    raise
                log.error("the new default cannot be opened", error=error.explained)
            self._seen = seen
        return self._default

    def of(self, reference: str | None) -> TaskRunner:
        """The work of a model (name@version), None: the default; raises ModelUnavailable."""
        if reference is None:
            return self.default()
        if reference not in self._named:
            self._named[reference] = self._open_work(reference)
        self._named.move_to_end(reference)
        while len(self._named) > NAMED:
            self._named.popitem(last=False)
        return self._named[reference]
