"""The Compose file, as the house tests read it."""

import re
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.house.sources import ROOT

COMPOSE = (ROOT / "docker-compose.yml").read_text()
CONTENT: dict[str, Any] = yaml.safe_load(COMPOSE)
SERVICES: dict[str, dict[str, Any]] = CONTENT["services"]
ONCE = {name for name, service in SERVICES.items() if service["restart"] == "no"}
LASTING = SERVICES.keys() - ONCE
OURS = {name for name, service in SERVICES.items() if service["image"].startswith("afterimage-")}
API = {name for name in OURS if SERVICES[name]["image"] == "afterimage-api"}
ENGINES = {name for name in LASTING if SERVICES[name]["image"] == "afterimage-engine"}
CLOSED = {name for name, service in SERVICES.items() if service.get("read_only")}
WINGS = sorted({"api"} | ENGINES)


def with_defaults(text: str) -> str:
    """`text` as Compose makes it when nothing is set."""
    return re.sub(r"\$\{\w+(?::-([^}]*))?\}", lambda found: found[1] or "", text)


def seconds(text: str) -> int:
    """`45s` as a number."""
    return int(re.fullmatch(r"(\d+)s", text)[1])  # type: ignore[index]


def size(text: str) -> int:
    """`768m` in bytes."""
    number, unit = re.fullmatch(r"(\d+)([kmg])", text).groups()  # type: ignore[union-attr]
    return int(number) << {"k": 10, "m": 20, "g": 30}[unit]


def room(service: dict[str, Any]) -> int:
    """The bytes that fit into a service's /tmp."""
    [folder] = service["tmpfs"]
    return size(folder.removeprefix("/tmp:size="))
