"""Fuzz every documented operation as every kind of caller.

`python -m tests.fuzz --requests 100000` starts a service of its own. Requests are generated from
/openapi.json, half of them valid and half not. It prints, for each caller, how many were sent, how
many got a 5xx, and how many an answer that is not documented.
"""

import argparse
import base64
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.support.http.accounts import Account, sign_up
from tests.support.images.pictures import encode
from tests.support.services.processes import OURS, Running, model_mirror, run_python, standalone

SMOOTH = Pillow.merge("RGB", [Pillow.linear_gradient("L"), *[Pillow.radial_gradient("L")] * 2])
IMAGES = [
    encode(SMOOTH.resize((48, 32)).convert(mode), form)
    for form, mode in (
        ("JPEG", "RGB"), ("PNG", "RGBA"), ("PNG", "LA"), ("GIF", "P"), ("WEBP", "RGB"),
        ("BMP", "RGB"), ("JPEG", "CMYK"),
    )
]  # fmt: skip
STEADY = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
# The document cannot say what bytes make an image, nor that some fields exclude each other.
BEYOND: list[Any] = [positive_data_acceptance]
CALLERS = ("anonymous", "user", "admin")
# Refused before the values are looked at: no length, too long a URL. The check does not know them.
REFUSED_EARLY = (411, 414)
# Wrong passwords lock an account for a while, and after the last one the caller is logged out.
LAST = ("PATCH /v1/users/me", "DELETE /v1/users/me", "POST /token", "DELETE /v1/token")


@dataclass
class Caller:
    """Somebody who sends requests, and what came of them."""

    name: str
    url: str
    account: Account | None = None
    statuses: Counter[int] = field(default_factory=Counter)
    undocumented: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """How many requests were answered."""
        return self.statuses.total()

    @property
    def broken(self) -> int:
        """How many answers were a 5xx that is no documented 503."""
        return sum(n for status, n in self.statuses.items() if status >= 500 and status != 503)

    def headers(self) -> dict[str, str]:
        """What proves who they are."""
        return dict(self.account.headers) if self.account else {}


def open_schema(url: str) -> Any:
    """The service's OpenAPI page, with what its formats stand for."""
    schemathesis.openapi.format("binary", st.sampled_from(IMAGES))
    encoded = [base64.b64encode(image).decode() for image in IMAGES]
    schemathesis.openapi.format("byte", st.sampled_from(encoded))
    # Webhooks that are refused at the door: what is made up here must not be called.
    refused = ["http://127.0.0.1/", "https://[::1]/", "http://10.0.0.1:8080/x"]
    schemathesis.openapi.format("uri", st.sampled_from(refused))
    schemathesis.openapi.media_type("image/*", st.sampled_from(IMAGES))
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


def fuzz(schema: Any, callers: list[Caller], wanted: int, number: int = 0) -> None:
    """Send about `wanted` requests, shared among callers, operations, and valid and other data.

    A `number` other than 0 gives other requests.
    """
    operations = [found.ok() for found in schema.get_all_operations()]
    operations.sort(key=lambda each: LAST.index(each.label) + 1 if each.label in LAST else 0)
    rounds = [
        (operation, mode, caller)
        for operation in operations
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or operation.body or operation.query
        for caller in callers
    ]
    weight = {True: 3, False: 1}  # bodies have more to vary
    total = sum(weight[bool(operation.body)] for operation, _, _ in rounds)
    for operation, mode, caller in rounds:
        examples = max(1, round(wanted * weight[bool(operation.body)] / total))
        _run_operation(operation, mode, caller, examples, number)


def _run_operation(
    operation: Any, mode: GenerationMode, caller: Caller, examples: int, number: int
) -> None:
    @seed(number)
    @settings(STEADY, max_examples=examples, derandomize=not number)
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Case[Any]) -> None:
        answer = case.call(timeout=60, headers=caller.headers())
        caller.statuses[answer.status_code] += 1
        # A form cannot tell an empty array, or null, from nothing at all.
        is_form = case.media_type == "multipart/form-data"
        is_refused = is_form or answer.status_code in REFUSED_EARLY
        beyond = [*BEYOND, negative_data_rejection] if is_refused else BEYOND
        try:
            case.validate_response(answer, excluded_checks=beyond)
        except AssertionError as error:
            caller.undocumented += 1
            caller.failures.append(f"{caller.name}: {operation.label}: {error}")
        except BaseExceptionGroup as error:
            caller.undocumented += 1
            caller.failures += [
                f"{caller.name}: {operation.label}: {each}" for each in error.exceptions
            ]

    run()


def make_callers(url: str, set_role: Callable[[str, str], None]) -> list[Caller]:
    """One caller of each kind."""
    found = [Caller("anonymous", url)]
    for name in CALLERS[1:]:
        account = sign_up(url, f"fuzzing {name}")
        if name == "admin":
            set_role(account.name, "admin")
        found.append(Caller(name, url, account))
    return found


def role_setter(folder: Path) -> Callable[[str, str], None]:
    """What gives accounts of the standalone service in `folder` a role, as its operator does."""
    environ = {key: value for key, value in os.environ.items() if key not in OURS}
    environ["DATA_DIR"] = str(folder)

    def set_role(name: str, role: str) -> None:
        run_python(["-m", "api.accounts", "set-role", name, role], environ, folder / "roles.log")

    return set_role


@contextmanager
def private_service() -> Iterator[tuple[Running, Path]]:
    """A standalone service of one's own, without limits that would hide its other answers."""
    with tempfile.TemporaryDirectory(prefix="afterimage-fuzz-") as name:
        folder = Path(name)
        limits = {
            "PREDICTION_QUOTA": "off",
            "SIGN_UP_LIMIT": "off",
            "ACCESS_TOKEN_SECONDS": "86400",
        }
        with standalone(folder, MODEL_MIRROR=model_mirror(), **limits) as running:
            yield running, folder


def report(callers: list[Caller]) -> str:
    """A line for each caller."""
    lines = [f"{'caller':<10} {'requests':>9} {'5xx':>5} {'503':>5} {'undocumented':>13}  statuses"]
    for each in callers:
        statuses = ", ".join(f"{status}: {n}" for status, n in sorted(each.statuses.items()))
        lines.append(
            f"{each.name:<10} {each.sent:>9,} {each.broken:>5} {each.statuses[503]:>5} "
            f"{each.undocumented:>13}  {statuses}"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Fuzz a private service and print what came of it; 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=5_000, help="about how many; 5,000")
    parser.add_argument("--caller", choices=CALLERS, help="only this one; default: all")
    parser.add_argument("--shown", type=int, default=10, help="failures printed in full; 10")
    parser.add_argument("--seed", type=int, default=0, help="0: the same requests each time")
    options = parser.parse_args(arguments)
    with private_service() as (running, folder):
        callers = make_callers(running.base_url, role_setter(folder))
        callers = [each for each in callers if options.caller in (None, each.name)]
        fuzz(open_schema(running.base_url), callers, options.requests, options.seed)
    print(report(callers))
    failures = [failure for each in callers for failure in each.failures]
    for failure in failures[: options.shown]:
        print(f"\n{failure}")
    return 1 if failures or any(each.broken for each in callers) else 0


if __name__ == "__main__":
    sys.exit(main())
