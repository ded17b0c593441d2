"""LitServe with two workers. It keeps nothing.

Written as "LitAPI" and "Request, response format" of LitServe's documentation show. LitServe reads
JSON or forms, so the image is a file of a multipart form.
"""

import os
from typing import Any

import litserve as ls
from fastapi import Request

from bench.peers.classifier import Classifier


class ClassifierAPI(ls.LitAPI):
    """One interpreter per worker process."""

    def setup(self, device: str) -> None:
        """Load the network."""
        self.classifier = Classifier()

    def decode_request(self, request: Request) -> bytes:
        """Return the bytes of the form's file: LitServe passes the form of the request."""
        data: bytes = request["image"].file.read()
        return data

    def predict(self, x: bytes) -> dict[str, Any]:
        """Return the label of a JPEG."""
        return self.classifier.labels(x)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        """Return the response's JSON."""
        return output


if __name__ == "__main__":
    api = ClassifierAPI(api_path="/classify")
    server = ls.LitServer(api, accelerator="cpu", workers_per_device=2, fast_queue=True)
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        log_level="warning",
        generate_client_file=False,
    )
