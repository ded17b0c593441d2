"""Large images all at once: a process stays within its budget, and gives the memory back."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.alone

SCRIPT = """
import io, sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from PIL import Image
from engine.decoding.decoder import Decoder
from common.allocator import limit_allocator, release_freed

def saved(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()

def resident():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) >> 10

def reset_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")

def peak():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) >> 10

limit_allocator()
size = (6320, 6320)
files = [saved(Image.new("RGB", size, (20 * n, 30, 9)), "JPEG") for n in range(8)]
if sys.argv[1] == "whole": files = [
    saved(Image.new("RGBA", size, (9, 50, 90, 128)), "PNG"),
    saved(Image.fromarray(np.full(size, 1000, np.uint16)), "PNG"),
    saved(Image.new("RGB", size, (200, 30, 9)), "JPEG", progressive=True, subsampling=0),
    saved(Image.new("P", size), "GIF"),
] * 2
release_freed()
decoder = Decoder(40_000_000, 48_000_000)

def work(task):
    data, side = task
    with decoder.decoded(data, side, side) as image:
        return image.resize((side, side)).size

reset_peak()
before = resident()
with ThreadPoolExecutor(16) as threads:
    tasks = [(data, side) for side in (224, 513, 1024) for data in files]
    done = list(threads.map(work, tasks))
release_freed()
print(len(done), peak() - before, resident() - before)
"""


def test_eight_images_of_40_megapixels_stay_within_the_budget() -> None:
    most, left = measured("whole")
    assert most < 560, "MiB: 8 bytes for each of 48 million pixels, kept pictures and threads"
    assert left < 120


def test_jpegs_of_one_scan_take_the_memory_of_their_results() -> None:
    most, left = measured("rows")
    assert most < 120, "MiB: 40 megapixels of one image would be 153"
    assert left < 60


def measured(files: str) -> tuple[int, int]:
    """Return the memory in MiB that decoding takes at its peak, and that is left afterwards."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, files],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    done, most, left = map(int, ended.stdout.split())
    assert done == 24
    return most, left
