"""The threads in which Gunicorn's worker serves requests."""

from concurrent.futures import ThreadPoolExecutor


class ThreadPool(ThreadPoolExecutor):
    """A pool that reports whether work waits for a thread."""

    @property
    def is_behind(self) -> bool:
        """Whether a connection waits for a thread."""
        return not self._work_queue.empty()
