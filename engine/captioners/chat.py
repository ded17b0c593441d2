"""`openai://host/v1?model=name`: captions by a model behind OpenAI's protocol.

The provider receives a fixed prompt and a JPEG made from the image's pixels: upright, its longer
side at most SIDE. It receives no metadata (place, time, camera, comments, color profile), no file
name, no id and no information about the owner.
"""

import hashlib
from collections.abc import Sequence
from functools import partial
from threading import Event
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import structlog

from common.errors import SettingsError, TryLater
from common.services import Services
from common.settings import Settings
from engine.captioners import only_default
from engine.captioners.budget import Budget, Price
from engine.captioners.cancellable_call import call
from engine.captioners.circuit_breaker import CircuitBreaker
from engine.captioners.client import LIMITS, PROMPT, Client
from engine.captioners.errors import Declined, NotServed, ReasonsTooLong, Refused, Tokens, Unusable
from engine.captioners.image_input import QUALITY, SIDE, to_jpeg
from engine.captioners.labels import SharedLabels
from engine.captioners.replies import Reply
from engine.decoding.decoder import Decoder
from engine.tasks import MadeBy, WorkerPool

log = structlog.get_logger(__name__)
USAGE = "CAPTIONER_URL must have the form openai://host/v1?model=name, without user and password"


class Picture(NamedTuple):
    """A JPEG to be captioned, and the requesting account, or None."""

    jpeg: bytes
    caller: UUID | None


class ChatCaptioner:
    """The runner that all workers of the lane share: one client, one circuit breaker, one
    budget.
    """

    def __init__(
        self, base_url: str, model: str, services: Services, stop: Event, decoder: Decoder
    ):
        settings = services.settings
        key = settings.openai_api_key or "none"  # the client requires one
        self._client = Client(base_url, model, key, settings.caption_timeout)
        self.model = identity(base_url, model)
        self._settings = settings
        self._decoder = decoder
        self._stop = stop
        self._metrics = services.metrics
        self._breaker = CircuitBreaker(settings.caption_breaker, stop)
        self._price = Price(*settings.caption_price) if settings.caption_price else None
        budget = settings.caption_budget
        self._budget = (
            Budget(budget, services.sessions, settings.caption_share)
            if budget is not None
            else None
        )
        has_fallback = settings.caption_fallback == "labels"
        self._fallback = SharedLabels(settings, decoder) if has_fallback else None

    def prepare(self, data: bytes, params: dict[str, Any]) -> Picture:
        """Return the JPEG for the provider, and the account whose share of the budget pays."""
        return Picture(to_jpeg(data, self._decoder), params.get("asked_by"))

    def run(
        self, prepared: Sequence[Picture], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Caption the JPEGs one after another; other workers make calls at the same time."""
        return [self._caption(*picture) for picture in prepared]

    def _caption(self, jpeg: bytes, caller: UUID | None) -> dict[str, Any]:
        try:
            return self._answer(self._ask(jpeg, caller), caller)
        except NotServed as error:
            if self._fallback is None:
                raise
            log.info("caption from labels instead", code=error.code)
            return MadeBy(self._fallback.model, self._fallback.caption(jpeg))

    def _ask(self, jpeg: bytes, caller: UUID | None) -> Reply:
        if self._budget:
            self._budget.check(caller)
        self._breaker.wait()
        try:
            return call(
                partial(self._client.describe, jpeg), self._settings.caption_timeout, self._stop
            )
        except Refused as refusal:
            log.error("no captions for a while", code=refusal.code, error=refusal.detail)
            self._breaker.open(refusal)
            raise
        except TryLater as error:
            self._breaker.pause(error.delay)
            raise
        except (Unusable, Declined, ReasonsTooLong) as error:
            self._record_cost(error.tokens, caller)
            raise

    def _answer(self, reply: Reply, caller: UUID | None) -> dict[str, Any]:
        tokens = reply.tokens
        cost = self._record_cost(tokens, caller)
        return {
            "text": reply.text,
            "source": "openai",
            "model": self.model["name"],
            "tokens": tokens and {"prompt": tokens.prompt, "completion": tokens.completion},
            "cost_usd": cost,
        }

    def _record_cost(self, tokens: Tokens | None, caller: UUID | None) -> float | None:
        """Add the tokens of a call for `caller` to the budget and the metrics, whether or not it
        led to a caption. Return its price in US dollars, None if unknown.
        """
        cost = self._price.of(tokens) if self._price and tokens else None
        if self._budget:
            self._budget.add(cost, caller)
        name = self.model["name"]
        self._metrics.caption_cost[name].inc(cost or 0.0)
        if tokens:
            self._metrics.caption_tokens[name, "prompt"].inc(tokens.prompt)
            self._metrics.caption_tokens[name, "completion"].inc(tokens.completion)
        return cost


def identity(base_url: str, model: str) -> dict[str, Any]:
    """Return the model's identity, which is stored with each result and returned to callers.

    There is no file, so the sha256 covers everything that determines the request: the address, the
    model's name, the prompt and its limits. The version is a prefix of it, because the address
    itself may name a machine of the operator's network.
    """
    request = "\n".join([base_url, model, PROMPT, str(LIMITS[0]), str(SIDE), str(QUALITY)])
    digest = hashlib.sha256(request.encode()).hexdigest()
    return {
        "name": model,
        "version": digest[:12],
        "sha256": digest,
        "runtime": "openai",
        "licence": "the provider's terms",
        "source": "the server of CAPTIONER_URL",
    }


def open_chat(url: str, services: Services, stop: Event, decoder: Decoder) -> WorkerPool:
    """Return a pool of CAPTION_WORKERS that share one captioner. Raises SettingsError."""
    base_url, model = parse(url)
    check(base_url, services.settings)
    captioner = ChatCaptioner(base_url, model, services, stop, decoder)
    return WorkerPool(services.settings.caption_workers, 1, only_default(lambda: captioner))


def parse(url: str) -> tuple[str, str]:
    """Return the base URL for the client and the model's name; raises SettingsError."""
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, strict_parsing=True)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise SettingsError(USAGE) from None
    if not host or "@" in parts.netloc or query.keys() != {"model"} or len(query["model"]) > 1:
        raise SettingsError(USAGE)
    scheme = "http" if parts.scheme.endswith("+http") else "https"
    return f"{scheme}://{parts.netloc}{parts.path}", query["model"][0]


def check(base_url: str, settings: Settings) -> None:
    """Raise SettingsError for settings that contradict each other."""
    if base_url.startswith("https://") and not settings.openai_api_key:
        raise SettingsError("CAPTIONER_URL=openai://… needs OPENAI_API_KEY")
    if settings.caption_budget is not None and settings.caption_price is None:
        raise SettingsError("CAPTION_BUDGET_USD needs CAPTION_PRICE, which determines the costs")
