"""The captioners: what writes a sentence about an image.

One is picked by the scheme of CAPTIONER_URL. `labels://` needs nobody: `labels.py` runs the
classifier and says in words what it found. `openai://` asks any server that speaks the protocol of
OpenAI's chat completions (`chat.py`); `openai+http://` does so without TLS.
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
    """The crew of the captioner at `url`, which nobody has contacted yet.

    Once `stop` is set, calls under way are soon given up. Raises SettingsError for a URL, or
    settings beside it, that cannot be used.
    """
    crew: WorkerPool = adapter_schemes.open_by_scheme(
        url, ADAPTERS, services, stop, decoder, setting="CAPTIONER_URL"
    )
    return crew


def only_default(open_runner: Callable[[], TaskRunner]) -> Callable[[str | None], TaskRunner]:
    """`open_runner` for a WorkerPool: CAPTIONER_URL chooses the model, so that a request cannot."""

    def open_it(model: str | None) -> TaskRunner:
        if model is not None:
            raise InputFault(
                "A request cannot name the model of captions: the setting CAPTIONER_URL does.",
                code=ModelUnavailable.default_code,
            )
        return open_runner()

    return open_it
