"""Gunicorn's own log lines, on the same stream as ours: a reader that is slow stops no process."""

from typing import Any

from gunicorn.glogging import Logger as GunicornLogger

from common.observability.log_stream import guard_stderr


class Logger(GunicornLogger):  # type: ignore[misc]
    """Gunicorn's logger, which takes `sys.stderr` when it is set up."""

    def setup(self, cfg: Any) -> None:
        """Replace `sys.stderr` first, in the arbiter; the workers inherit it."""
        guard_stderr()
        super().setup(cfg)
