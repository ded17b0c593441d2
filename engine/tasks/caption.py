"""caption: the image in one sentence, by the captioner that CAPTIONER_URL names."""

from threading import Event

from common.services import Services
from engine.captioners import open_captioner
from engine.decoding.decoder import Decoder
from engine.tasks import WorkerPool


def open_worker_pool(services: Services, stop: Event, decoder: Decoder) -> WorkerPool:
    """The captioner's own: a provider is waited for by many, the classifier computes."""
    return open_captioner(services.settings.captioner_url, services, stop, decoder)
