"""From an environment variable, or the file that it names, to a setting's value."""

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from common.errors import SettingsError


def setting(
    variable: str,
    default: str,
    meaning: str,
    parse: Callable[[str], Any] = str,
    *,
    secret: bool = False,
) -> Any:
    """A field of `Settings`; `{data_dir}` in a default stands for the value of DATA_DIR.

    A secret one is shown nowhere.
    """
    about = {"variable": variable, "default": default, "meaning": meaning, "parse": parse}
    return field(metadata=about | {"secret": secret}, repr=not secret)


def read_setting(environ: Mapping[str, str], about: Mapping[str, Any], data_dir: str) -> Any:
    """One setting's parsed value; an empty variable counts as unset, and so does a service link."""
    variable: str = about["variable"]
    said = given(environ, variable)
    if is_service_link(variable, said):
        said = ""
    raw = said or _default(about["default"], data_dir)
    try:
        return about["parse"](raw)
    except ValueError as error:
        shown = "" if about["secret"] else f"={raw!r}"
        raise SettingsError(f"{variable}{shown} cannot be used: {error}") from error


def is_service_link(variable: str, value: str) -> bool:
    """Whether the variable is not meant for us: for a service named `metrics`, Kubernetes sets
    METRICS_PORT=tcp://10.96.0.1:9100 in every container, as Docker's links did.
    """
    is_port = variable == "PORT" or variable.endswith("_PORT")
    return is_port and re.fullmatch(r"(tcp|udp|sctp)://\S+:\d+", value.strip()) is not None


def _default(text: str, data_dir: str) -> str:
    """The default with the folder's name in it, percent-encoded where it is part of a URL."""
    return text.format(data_dir=quote(data_dir) if "://" in text else data_dir)


def given(environ: Mapping[str, str], variable: str) -> str:
    """What the variable says, or else the file that `<variable>_FILE` names, as secrets come.

    Empty when there is neither. Raises SettingsError when there are both, or the file cannot be
    read as UTF-8.
    """
    said, path = _value(environ, variable), _value(environ, f"{variable}_FILE")
    if said and path:
        raise SettingsError(f"{variable} and {variable}_FILE are both set; only one can count.")
    try:
        return said or (Path(path).read_text("utf-8-sig").strip() if path else "")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"{variable}_FILE={path!r} cannot be read: {why}") from error


def _value(environ: Mapping[str, str], variable: str) -> str:
    """The variable without the space and the pair of quotes around its value.

    `docker run --env-file`, Kubernetes and systemd hand over the quotes and the carriage return of
    a line such as `NAME="value"`; shells and Compose remove them.
    """
    value = environ.get(variable, "").strip()
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1].strip() if is_quoted else value
