"""FastAPI with the network in its own process. It keeps nothing.

The network is loaded in the application's lifespan and called in the path operation, as in
"Lifespan Events" of FastAPI's documentation; the body is read as in "Using the Request Directly".
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request

from bench.peers.classifier import Classifier


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the network before the first request."""
    app.state.classifier = Classifier()
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/classify")
async def classify(request: Request) -> dict[str, Any]:
    """Return the label of the JPEG in the body."""
    labels: dict[str, Any] = request.app.state.classifier.labels(await request.body())
    return labels
