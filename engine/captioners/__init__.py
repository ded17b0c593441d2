"""Captioners: adapters that write a sentence about an image.

The scheme of CAPTIONER_URL selects one. `labels://` needs no other service: `labels.py` runs the
classifier and composes a sentence from its labels. `openai://` calls any server that speaks
OpenAI's chat completions protocol (`chat.py`); `openai+http://` does so without TLS.
"""

from collections.abc import Callable
from threading import Event

from common import adapter_schemes
from common.errors import InputFault, ModelUnavailable
from common.services import Services
from engine.decoding.decoder import Decoder
from engine.tasks import TaskRunner, WorkerPool

ADAPTERS = {
    "labels": "engine.captioners.labels:open_labels",
    "openai": "engine.captioners.chat:open_chat",
    "openai+http": "engine.captioners.chat:open_chat",
}


def open_captioner(url: str, services: Services, stop: Event, decoder: Decoder) -> WorkerPool:
    """Return the worker pool of the captioner at `url`; it does not connect yet.

    Once `stop` is set, calls in progress are soon abandoned. Raises SettingsError if the URL or the
    settings for it are invalid.
    """
    pool: WorkerPool = adapter_schemes.open_by_scheme(
        url, ADAPTERS, services, stop, decoder, setting="CAPTIONER_URL"
    )
    return pool


def only_default(open_runner: Callable[[], TaskRunner]) -> Callable[[str | None], TaskRunner]:
    """Adapt `open_runner` to a WorkerPool and reject a model named by a request, because
    CAPTIONER_URL selects it.
    """

    def open_default(model: str | None) -> TaskRunner:
        if model is not None:
            raise InputFault(
                "A request cannot name the model of captions, which CAPTIONER_URL selects: "
                "leave out `model`.",
                code=ModelUnavailable.default_code,
            )
        return open_runner()

    return open_default
