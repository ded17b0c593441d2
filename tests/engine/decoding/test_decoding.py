"""The decoder of a process: one budget for all threads, one decode for the tasks of an image."""

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from common.errors import InputFault
from common.images.formats import Header
from engine.decoding import decoder as decoding
from engine.decoding.decoder import Decoder
from engine.decoding.pixel_budget import PixelBudget
from engine.pixels import decode, decode_at
from tests.support.images.pictures import encode, picture


class Held:
    """A thread that holds a part of a budget until it is told to let go."""

    def __init__(self, budget: PixelBudget, pixels: int):
        self.has_it, self.done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold, args=(budget, pixels), daemon=True)
        self._thread.start()

    def _hold(self, budget: PixelBudget, pixels: int) -> None:
        with budget.take(pixels):
            self.has_it.set()
            self.done.wait(30)

    def let_go(self) -> None:
        self.done.set()
        self._thread.join(10)
        assert not self._thread.is_alive()


def gets_it(held: Held) -> bool:
    return held.has_it.wait(10)


def waits(held: Held) -> bool:
    return not held.has_it.wait(0.1)


def test_no_more_than_the_budget_is_taken_at_once() -> None:
    budget = PixelBudget(60_000)  # of which 10,000 are for small pictures
    first, second, third = Held(budget, 30_000), Held(budget, 20_000), Held(budget, 6_000)
    assert gets_it(first) and gets_it(second) and waits(third)
    second.let_go()
    assert gets_it(third)
    for each in (first, third):
        each.let_go()


def test_the_first_in_line_is_served_first_however_much_it_wants() -> None:
    budget = PixelBudget(60_000)
    first = Held(budget, 30_000)
    assert gets_it(first)
    whole = Held(budget, 50_000)
    assert waits(whole)
    later = Held(budget, 6_000)
    assert waits(later), "there would be room, but then the other one might wait for ever"
    first.let_go()
    assert gets_it(whole)
    whole.let_go()
    assert gets_it(later)
    later.let_go()


def test_a_picture_larger_than_the_budget_has_it_alone() -> None:
    budget = PixelBudget(60_000)
    huge = Held(budget, 10**9)
    assert gets_it(huge)
    large = Held(budget, 20_000)
    assert waits(large)
    huge.let_go()
    assert gets_it(large)
    large.let_go()


def test_small_pictures_do_not_wait_for_large_ones() -> None:
    budget = PixelBudget(60_000)
    huge, next_one = Held(budget, 10**9), Held(budget, 10**9)
    small, another, third = Held(budget, 5_000), Held(budget, 5_000), Held(budget, 1)
    assert gets_it(small) and gets_it(another) and waits(third), "they have a budget, too"
    for each in (small, another, huge, next_one, third):
        assert gets_it(each)
        each.let_go()


def test_a_failure_gives_the_budget_back() -> None:
    budget = PixelBudget(60_000)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), budget.take(50_000):
            raise ValueError("broken")
    last = Held(budget, 50_000)
    assert gets_it(last)
    last.let_go()


def test_many_threads_all_get_their_turn_within_the_budget() -> None:
    budget, lock, now, most = PixelBudget(60_000), threading.Lock(), [0], [0]

    def work(pixels: int) -> None:
        with budget.take(pixels):
            with lock:
                now[0] += min(pixels, 50_000)
                most[0] = max(most[0], now[0])
            time.sleep(0.001)
            with lock:
                now[0] -= min(pixels, 50_000)

    with ThreadPoolExecutor(16) as threads:
        wanted = [100, 4_000, 20_000, 50_000, 900_000] * 40
        list(threads.map(work, wanted, timeout=60))
    assert now[0] == 0 and 50_000 <= most[0] <= 60_000


def test_a_jpeg_that_is_decoded_by_rows_counts_only_as_its_result() -> None:
    decoder = Decoder(10**7, 1_200_000)  # of which 200,000 are for small pictures
    scene = picture(size=(1600, 1200))
    by_rows, as_a_whole = (encode(scene, "JPEG", progressive=each) for each in (False, True))
    all_of_it = Held(decoder._budget, 10**9)
    assert gets_it(all_of_it)
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(small, decoder, by_rows, 100).result(30).shape == (100, 100, 3)
        waiting = threads.submit(small, decoder, as_a_whole, 100)
        with pytest.raises(TimeoutError):
            waiting.result(0.3)
        all_of_it.let_go()
        assert waiting.result(30).shape == (100, 100, 3)


def test_a_known_digest_is_used_for_these_bytes_in_this_thread() -> None:
    decoder, data = Decoder(10**6, 10**6), b"the bytes of a file"
    equal, computed = bytes(bytearray(data)), hashlib.sha256(data).digest()
    with ThreadPoolExecutor(1) as threads, decoder.knowing(data, b"known"):
        assert decoder.digest(data) == b"known"
        assert decoder.digest(equal) == computed
        assert threads.submit(decoder.digest, data).result(10) == computed
    assert decoder.digest(data) == computed


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The scales that pictures were decoded at, in order; each takes a moment."""
    scales: list[int] = []

    def counted(data: bytes, header: Header, scale: int) -> Image.Image:
        scales.append(scale)
        time.sleep(0.05)
        return decode_at(data, header, scale)

    monkeypatch.setattr(decoding, "decode_at", counted)
    return scales


def small(decoder: Decoder, data: bytes, side: int) -> np.ndarray:
    with decoder.decoded(data, side, side) as image:
        return np.asarray(image.resize((side, side)))


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_tasks_that_meet_share_one_decode(form: str, decodes: list[int]) -> None:
    decoder, data = Decoder(10**7, 10**7), encode(picture(size=(500, 500)), form)
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda side: small(decoder, data, side), [224] * 8))
    made.append(small(decoder, data, 224))
    assert decodes == [1]
    alone = np.asarray(decode(data, 224, 224).resize((224, 224)))
    assert all((each == alone).all() for each in made)


def test_another_scale_and_another_image_are_decoded_for_themselves(decodes: list[int]) -> None:
    decoder = Decoder(10**7, 10**7)
    one, other = (encode(picture(size=(500, 500), seed=n), "JPEG") for n in (1, 2))
    for data, side in ((one, 224), (one, 100), (other, 224), (one, 224), (other, 224)):
        expected = np.asarray(decode(data, side, side).resize((side, side)))
        assert (small(decoder, data, side) == expected).all()
    assert decodes == [1, 4, 1]


def test_what_is_kept_is_bounded(decodes: list[int]) -> None:
    decoder = Decoder(10**8, 10**8)
    many = [encode(picture(size=(1500, 1000), seed=n), "JPEG") for n in range(7)]
    for data in many:
        small(decoder, data, 500)
    held = [image.size for image in decoder._shared._pictures.values()]
    assert sum(width * height for width, height in held) <= decoding.KEPT_PIXELS
    assert sum(width * height for width, height in held) == decoder._shared._pixels
    assert len(held) == 5
    small(decoder, many[-1], 500)
    assert len(decodes) == 7
    small(decoder, many[0], 500)
    assert len(decodes) == 8
    assert not decoder._shared._turns, "and nothing is left of those who waited"


def test_a_broken_image_fails_for_all_who_want_it_and_holds_nobody_up(decodes: list[int]) -> None:
    data = encode(picture(size=(700, 700)), "PNG")
    broken = data[:60] + bytes(400) + data[460:]
    decoder = Decoder(10**6, 10**6)
    for _ in range(3):
        with pytest.raises(InputFault), decoder.decoded(broken, 224, 224):
            pass
    with pytest.raises(InputFault) as caught, Decoder(1000, 1000).decoded(data, 8, 8):
        pass
    assert caught.value.code == "image_too_many_pixels"
    assert small(decoder, data, 224).shape == (224, 224, 3)
