"""Whether captions cost money, as far as the API can know."""

from collections.abc import Mapping
from typing import Any

from common.settings import Settings

PAID, OWN, OFFLINE = "openai", "openai+http", "labels"  # schemes of CAPTIONER_URL


def is_paid(settings: Settings, model: Mapping[str, Any] | None) -> bool:
    """Whether a provider is paid for captions, by these settings or by those of the engines, which
    report their `model`.

    A server without TLS is assumed to be the operator's own and free, unless CAPTION_PRICE is set.
    If only the engines are configured with a provider, its address is unknown here, and it counts
    as paid.
    """
    scheme = settings.captioner_url.partition("://")[0]
    if scheme == OFFLINE:
        return (model or {}).get("runtime") == "openai"
    return scheme == PAID or (scheme == OWN and settings.caption_price is not None)
