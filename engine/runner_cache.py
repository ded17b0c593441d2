"""A worker's open runners: that of the default model, and those of a few models named in
requests.
"""

from collections import OrderedDict
from collections.abc import Callable

import structlog

from common.errors import ModelUnavailable
from engine.tasks import TaskRunner

log = structlog.get_logger(__name__)
NAMED = 2  # runners of models named in requests that a worker keeps


class RunnerCache:
    """The runners of one worker.

    `open_runner` takes a model's reference, or None for the default model. `version` returns a
    different value after the default model may have changed.
    """

    def __init__(
        self, open_runner: Callable[[str | None], TaskRunner], version: Callable[[], object]
    ):
        self._open_runner = open_runner
        self._version = version
        self._opened_version: object = None
        self._default: TaskRunner | None = None
        self._named: OrderedDict[str, TaskRunner] = OrderedDict()

    def default(self) -> TaskRunner:
        """Return the default model's runner, opened again if the default has changed. If the new
        one cannot be opened, the previous one stays in use.

        Raises ModelUnavailable if there is no previous one.
        """
        version = self._version()
        if self._default is None or version != self._opened_version:
            try:
                self._default = self._open_runner(None)
            except ModelUnavailable as error:
                if self._default is None:
                    raise
                log.error("the new default cannot be opened", error=error.explained)
            self._opened_version = version
        return self._default

    def of(self, reference: str | None) -> TaskRunner:
        """Return the runner of the model with this reference (name@version), or of the default
        model for None; raises ModelUnavailable.
        """
        if reference is None:
            return self.default()
        if reference not in self._named:
            self._named[reference] = self._open_runner(reference)
        self._named.move_to_end(reference)
        while len(self._named) > NAMED:
            self._named.popitem(last=False)
        return self._named[reference]
