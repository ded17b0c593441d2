"""A model of a few hundred kilobytes that nothing can run, to be pulled from servers of our own."""

import hashlib
import random
from pathlib import Path

from engine.models.catalogue import File, Manifest, Source, Tensor
from engine.models.verification import damage, is_installed
from tests.support.servers.private import free_ports

WEIGHTS = random.Random(1).randbytes(700_000)


def manifest(address: str, **files: bytes) -> Manifest:
    described = files or {"net.bin": WEIGHTS}
    return Manifest(
        task="classify", name="small", version="1", runtime="litert", licence="Apache-2.0",
        source=Source("https://example.org/small", "abc", address),
        input=Tensor(shape=(1, 8), dtype="uint8"),
        output=Tensor(shape=(1, 8), dtype="uint8"),
        files=tuple(
            File(name, len(data), hashlib.sha256(data).hexdigest())
            for name, data in described.items()
        ),
    )  # fmt: skip


def nowhere() -> str:
    """An address where nobody listens."""
    return f"http://127.0.0.1:{free_ports(1)[0]}"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def assert_installed(model: Manifest, folder: Path) -> None:
    assert is_installed(model, folder)
    assert damage(model, folder) == []
    assert names(folder) == {"net.bin", "model.json", ".lock"}
