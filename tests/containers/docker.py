"""The running stack of docker-compose.yml, by Docker's own commands."""

import json
import os
import subprocess
from typing import Any

from tests.house.sources import ROOT

COMPOSE = os.environ.get("COMPOSE", "docker compose").split()
BASE_URL = os.environ.get("BASE_URL", "http://127.0.0.1:5000").rstrip("/")


def run(*command: str, seconds: float = 180) -> subprocess.CompletedProcess[str]:
    """What a command did, whatever its exit code."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds)


def said(*command: str, seconds: float = 180) -> str:
    """What a command that must go well says."""
    done = run(*command, seconds=seconds)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return done.stdout.strip()


def compose(*arguments: str) -> str:
    """What `docker compose …` says."""
    return said(*COMPOSE, *arguments)


def containers(service: str) -> list[str]:
    """The ids of a service's running containers."""
    return compose("ps", "-q", service).split()


def inspect(container: str) -> dict[str, Any]:
    """All that Docker knows of a container."""
    [found] = json.loads(said("docker", "inspect", container))
    return dict(found)


def inside(container: str, *command: str) -> subprocess.CompletedProcess[str]:
    """What a command did in a container."""
    return run("docker", "exec", container, *command)


def image_says(image: str, code: str) -> Any:
    """The JSON that Python code prints in a new container of an image, without a network."""
    started = ("docker", "run", "--rm", "--network=none", "--read-only")
    return json.loads(said(*started, image, "python", "-c", code))
