"""A captioning provider and a photograph for it."""

from collections.abc import Iterator, Mapping

import pytest

from tests.support.servers.openai import Provider, providing


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A local server that speaks the protocol of captioning providers."""
    with providing() as provider:
        yield provider


@pytest.fixture
def cat(photographs: Mapping[str, bytes]) -> bytes:
    """The photograph of a cat."""
    return photographs["cat_720p.jpg"]
