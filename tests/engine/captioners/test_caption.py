"""Captions: from labels, through a provider, what leaves the house and what comes back."""

import time
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from threading import Event

import httpx2
import pytest
from PIL import Image

from common.errors import SettingsError, TryLater
from common.settings import Settings
from common.tables import State
from engine.captioners.cancellable_call import call
from engine.captioners.chat import check, identity, parse
from engine.captioners.circuit_breaker import CircuitBreaker
from engine.captioners.errors import Refused
from engine.captioners.http_limits import LONGEST_DELAY, retry_after
from engine.captioners.image_input import SIDE, to_jpeg
from engine.captioners.labels import LabelsCaptioner
from engine.decoding.decoder import Decoder
from tests.engine.captioners.captioning import captioning
from tests.support.images.pictures import encode, exif, picture
from tests.support.servers import openai as server
from tests.support.servers.openai import Provider

SENTENCES = {
    "cat_720p.jpg": "Probably an Egyptian cat; possibly a tabby.",
    "parrot.jpg": "Most likely a macaw.",
    "dog_segmentation.bmp": "Most likely a Samoyed.",
}


@pytest.mark.parametrize("name", SENTENCES)
def test_labels_make_an_honest_sentence(
    name: str, photographs: Mapping[str, bytes], model_dir: Path
) -> None:
    captioner = LabelsCaptioner(Settings.from_env({"MODEL_DIR": str(model_dir)}))
    prepared = captioner.prepare(photographs[name], {})
    [result] = captioner.run([prepared], [{}])
    assert result == {"text": SENTENCES[name], "source": "labels"}
    assert captioner.model["runtime"] == "litert"


def test_every_photograph_gets_one_sentence(
    photographs: Mapping[str, bytes], tmp_path: Path, model_dir: Path
) -> None:
    with captioning(tmp_path, model_dir) as service:
        ids = [service.ask(data)[0] for data in photographs.values()]
        for row in service.finished(ids):
            assert (row.state, row.error_code) == (State.SUCCEEDED, None)
            assert row.result is not None and row.model is not None
            assert row.result["source"] == "labels"
            assert row.result["text"].endswith(".")


def test_the_provider_sees_pixels_and_nothing_else(
    provider: Provider, tmp_path: Path, model_dir: Path
) -> None:
    metadata = exif(6)
    secret = b"home, sweet home"
    profile = b"\0" * 36 + b"acsp" + bytes(88) + secret
    data = encode(
        picture(size=(2000, 1000)), "JPEG",
        exif=metadata, comment=secret, icc_profile=profile, xmp=secret,
    )  # fmt: skip
    assert data.count(secret) == 3
    with captioning(tmp_path, model_dir, CAPTIONER_URL=provider.url) as service:
        [row] = service.finished(service.ask(data))
    assert row.state == State.SUCCEEDED
    [sent] = provider.images
    with Image.open(BytesIO(sent)) as image:
        assert image.size == (SIDE // 2, SIDE), "upright, and no larger than needed"
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert secret not in sent
    [asked] = provider.asked
    assert asked.keys() == {"model", "messages", "max_tokens"}
    assert asked["model"] == "sees-everything"
    said = str(asked) + str(provider.headers)
    assert "secret-name" not in said and str(row.id) not in said


def test_small_images_are_sent_as_large_as_they_are() -> None:
    for mode, form in (("RGBA", "PNG"), ("P", "GIF"), ("L", "JPEG")):
        with Image.open(
            BytesIO(to_jpeg(encode(picture(mode), form), Decoder(10**6, 10**6)))
        ) as image:
            assert (image.size, image.format) == ((67, 45), "JPEG")


def test_urls_name_host_and_model() -> None:
    assert parse("openai://api.openai.com/v1?model=gpt-4o-mini") == (
        "https://api.openai.com/v1", "gpt-4o-mini",
    )  # fmt: skip
    assert parse("openai+http://[::1]:8080/v1?model=org/llava%3A7b") == (
        "http://[::1]:8080/v1", "org/llava:7b",
    )  # fmt: skip


@pytest.mark.parametrize(
    "url", ["openai://", "openai://host/v1", "openai://host/v1?model=", "openai:///v1?model=x",
            "openai://host/v1?model=a&model=b", "openai://host/v1?model=a&key=b",
            "openai://me:secret@host/v1?model=a", "openai://host:x/v1?model=a"],
)  # fmt: skip
def test_unusable_urls_are_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(url)
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    ("base_url", "environ", "missing"),
    [
        ("https://host/v1", {}, "OPENAI_API_KEY"),
        ("http://host/v1", {"CAPTION_BUDGET_USD": "5"}, "CAPTION_PRICE"),
    ],
)
def test_settings_must_go_together(base_url: str, environ: dict[str, str], missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        check(base_url, Settings.from_env(environ))
    check("http://host/v1", Settings.from_env({"CAPTION_PRICE": "0.15, 0.6"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [("CAPTION_PRICE", "1"), ("CAPTION_PRICE", "1,-1"), ("CAPTION_PRICE", "1,"),
     ("CAPTION_BUDGET_USD", "nan"), ("CAPTION_BUDGET_USD", "-1"), ("CAPTION_TIMEOUT", "41"),
     ("CAPTION_TIMEOUT", "0"), ("CAPTION_FALLBACK", "yes")],
)  # fmt: skip
def test_unusable_settings_are_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({name: value})


def test_the_key_is_in_no_representation() -> None:
    assert server.KEY not in repr(Settings.from_env({"OPENAI_API_KEY": server.KEY}))


def test_a_gate_that_must_be_quiet_lets_pass_later() -> None:
    breaker = CircuitBreaker(60, Event())
    breaker.pause(0.3)
    start = time.monotonic()
    breaker.wait()
    assert time.monotonic() - start >= 0.3
    breaker.pause(60)
    with pytest.raises(TryLater) as caught:
        breaker.wait()
    assert not caught.value.counts and 50 < caught.value.delay <= 60
    breaker.open(Refused("The key is wrong.", code="captioner_unauthorized"))
    with pytest.raises(Refused) as refused:
        breaker.wait()
    assert refused.value.code == "captioner_unauthorized"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "20"}, 20),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "99999999"}, LONGEST_DELAY),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0),
        ({"Retry-After": "-5"}, 0),
        ({"Retry-After": "soon", "Date": "later"}, 0),
        ({}, 0),
        (
            {
                "Date": "Fri, 31 Dec 1999 23:59:00 GMT",
                "Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT",
            },
            59,
        ),
    ],
)
def test_what_servers_say_of_later(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(httpx2.Headers(headers)) == seconds


def test_what_takes_too_long_is_left_behind() -> None:
    forever, stop = Event(), Event()
    assert call(lambda: 3, 5, stop) == 3
    with pytest.raises(ZeroDivisionError):
        call(lambda: 1 // 0, 5, stop)
    with pytest.raises(TimeoutError):
        call(_raise_time_out, 5, stop)
    with pytest.raises(TryLater) as caught:
        call(forever.wait, 0.3, stop)
    assert caught.value.counts
    forever.set()


def _raise_time_out() -> None:
    raise TimeoutError


def test_the_identity_of_a_provider_does_not_name_its_host() -> None:
    told = identity("http://ollama.internal:11434/v1", "smolvlm")
    assert "ollama" not in str(told) and "11434" not in str(told)
    assert told["version"] != identity("http://other.internal:11434/v1", "smolvlm")["version"]
