"""Gunicorn's log, on the same guarded stream as the application's: a slow reader blocks neither."""

from typing import Any

from gunicorn.glogging import Logger as GunicornLogger

from common.observability.log_stream import guard_stderr


class Logger(GunicornLogger):  # type: ignore[misc]
    """Gunicorn's logger, which binds `sys.stderr` in `setup`."""

    def setup(self, cfg: Any) -> None:
        """Guard `sys.stderr` before it is bound; this runs in the arbiter, for all workers."""
        guard_stderr()
        super().setup(cfg)
