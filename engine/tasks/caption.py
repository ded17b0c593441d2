"""caption: describe an image in one sentence, by the captioner that CAPTIONER_URL names."""

from threading import Event

from common.services import Services
from engine.captioners import open_captioner
from engine.decoding.decoder import Decoder
from engine.tasks import WorkerPool


def open_worker_pool(services: Services, stop: Event, decoder: Decoder) -> WorkerPool:
    """Return the captioner's pool: many workers wait for a provider, the classifier needs a core
    each.
    """
    return open_captioner(services.settings.captioner_url, services, stop, decoder)
