"""Reading a setting from its environment variable, or from the file that the variable names."""

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
    """Return a field of `Settings`; `{data_dir}` in a default is replaced by the value of DATA_DIR.

    The value of a secret one never appears in messages.
    """
    spec = {"variable": variable, "default": default, "meaning": meaning, "parse": parse}
    return field(metadata=spec | {"secret": secret}, repr=not secret)


def read_setting(environ: Mapping[str, str], spec: Mapping[str, Any], data_dir: str) -> Any:
    """Return a setting's parsed value; an empty variable or a Kubernetes service link counts as
    unset.
    """
    variable: str = spec["variable"]
    text = read_variable(environ, variable)
    if is_service_link(variable, text):
        text = ""
    raw = text or _default(spec["default"], data_dir)
    try:
        return spec["parse"](raw)
    except ValueError as error:
        value = "" if spec["secret"] else f"={raw!r}"
        raise SettingsError(f"{variable}{value} cannot be used: {error}") from error


def is_service_link(variable: str, value: str) -> bool:
    """Whether the variable is a service link and not a setting: for a service named `metrics`,
    Kubernetes sets METRICS_PORT=tcp://10.96.0.1:9100 in every container, as Docker's links did.
    """
    is_port = variable == "PORT" or variable.endswith("_PORT")
    return is_port and re.fullmatch(r"(tcp|udp|sctp)://\S+:\d+", value.strip()) is not None


def _default(text: str, data_dir: str) -> str:
    """Return the default with DATA_DIR's value inserted, percent-encoded in a URL."""
    return text.format(data_dir=quote(data_dir) if "://" in text else data_dir)


def read_variable(environ: Mapping[str, str], variable: str) -> str:
    """Return the variable's value, or the text of the file that `<variable>_FILE` names, as for
    secrets; an empty text if neither is set.

    Raises SettingsError if both are set, or if the file cannot be read as UTF-8.
    """
    value, path = _value(environ, variable), _value(environ, f"{variable}_FILE")
    if value and path:
        raise SettingsError(f"{variable} and {variable}_FILE are both set; set only one of them.")
    try:
        return value or (Path(path).read_text("utf-8-sig").strip() if path else "")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"{variable}_FILE={path!r} cannot be read: {why}") from error


def _value(environ: Mapping[str, str], variable: str) -> str:
    """Return the variable's value without surrounding white space and one pair of quotes.

    `docker run --env-file`, Kubernetes and systemd pass the quotes and the carriage return of a
    line such as `NAME="value"` on; shells and Compose remove them.
    """
    value = environ.get(variable, "").strip()
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1].strip() if is_quoted else value
