"""FastAPI before Celery workers, with Redis as the broker and the result backend.

The network is loaded once per worker process, as in "Instantiation" of "Tasks" in Celery's
documentation. The client gets the task's id and asks for its state, as in "AsyncResult".
"""

import os
from typing import Any

from celery import Celery, Task
from celery.result import AsyncResult
from fastapi import FastAPI, Request

from bench.peers.classifier import Classifier

celery = Celery("peers", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
api = FastAPI()


class ClassifierTask(Task):
    """Keeps one interpreter per worker process."""

    _classifier: Classifier | None = None

    @property
    def classifier(self) -> Classifier:
        """The interpreter, loaded when the first task needs it."""
        if self._classifier is None:
            self._classifier = Classifier()
        return self._classifier


@celery.task(base=ClassifierTask, bind=True)
def classify(self: ClassifierTask, jpeg: bytes) -> dict[str, Any]:
    """Return the label of a JPEG."""
    return self.classifier.labels(jpeg)


@api.post("/classify", status_code=202)
async def create_task(request: Request) -> dict[str, str]:
    """Queue the JPEG in the body."""
    return {"task_id": classify.delay(await request.body()).id}


@api.get("/tasks/{task_id}")
async def read_task(task_id: str) -> dict[str, Any]:
    """Return the state of the task, and the labels once it has succeeded."""
    task = AsyncResult(task_id, app=celery)
    return {"state": task.state} | (task.result if task.successful() else {})
