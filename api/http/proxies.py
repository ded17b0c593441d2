"""What proxies in front say of a request, and which host names are ours.

Links, cookies and redirects begin with what is decided here: scheme, host and path prefix.
"""

import ipaddress
import re
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from api.http.errors import problem
from common.settings import Settings

Environ = dict[str, Any]
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
PREFIX = re.compile(r"(/[A-Za-z0-9._~%!$&'()*+,;=:@-]+)+")
# Names that nobody can register: no page of a stranger can be served under them.
PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".home.arpa", ".lan", ".localdomain")
REFUSED = (
    "This service does not know itself by this host name. If it should, set PUBLIC_URL, or list "
    "the name in TRUSTED_HOSTS."
)


def register(app: Flask, settings: Settings) -> None:
    """Apply what trusted proxies and PUBLIC_URL say, and refuse the names of other hosts."""
    inner, hops = app.wsgi_app, settings.trusted_proxies
    base = urlsplit(settings.public_url) if settings.public_url else None

    def with_base(environ: Environ, start_response: Callable[..., Any]) -> Any:
        if hops:
            _apply_forwarded(environ, hops)
        environ["afterimage.host"] = environ.get("HTTP_HOST", "")
        if base is not None:
            environ["HTTP_HOST"], environ["wsgi.url_scheme"] = base.netloc, base.scheme
            _mount(environ, base.path)
        return inner(environ, start_response)

    app.wsgi_app = with_base  # type: ignore[method-assign]
    if hops:  # the client's address alone: each proxy appends the one that it saw
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, 0, 0, 0)  # type: ignore[method-assign]
    app.before_request(_host_check(settings))


def _apply_forwarded(environ: Environ, hops: int) -> None:
    """Take scheme, host, port and prefix from the last `hops` values of each header."""
    said = {
        name: [each.strip() for each in environ.get(f"HTTP_X_FORWARDED_{name}", "").split(",")]
        for name in ("PROTO", "HOST", "PORT", "PREFIX")
    }
    scheme, host, port = (said[name][-hops:][0] for name in ("PROTO", "HOST", "PORT"))
    if scheme.lower() in ("http", "https"):
        environ["wsgi.url_scheme"] = scheme.lower()
    if HOST.fullmatch(host):
        environ["HTTP_HOST"] = host
    if port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536:
        _set_port(environ, port)
    # Each proxy names what it has taken off the path itself, the outermost first.
    prefix = "".join(each.rstrip("/") for each in said["PREFIX"][-hops:])
    if PREFIX.fullmatch(prefix) and "/.." not in prefix:
        _mount(environ, prefix)


def _set_port(environ: Environ, port: str) -> None:
    usual = {"http": "80", "https": "443"}[environ["wsgi.url_scheme"]]
    found = HOST.fullmatch(environ.get("HTTP_HOST", ""))
    if found:
        environ["HTTP_HOST"] = found[1] if port == usual else f"{found[1]}:{port}"
    environ["SERVER_PORT"] = port


def _mount(environ: Environ, path: str) -> None:
    """Let the application live below `path`, whether or not the proxy has taken it off."""
    prefix = unquote_to_bytes(path.rstrip("/")).decode("latin-1")
    asked = environ.get("PATH_INFO", "")
    environ["SCRIPT_NAME"] = prefix
    if prefix and (asked == prefix or asked.startswith(prefix + "/")):
        environ["PATH_INFO"] = asked[len(prefix) :] or "/"


def _host_check(settings: Settings) -> Callable[[], Response | None]:
    """A page of another site whose name was made to lead here (DNS rebinding) gets no answers.

    Without TRUSTED_HOSTS, proxies in front answer for the names that they pass on.
    """
    own = {*settings.trusted_hosts, socket.gethostname().lower(), socket.getfqdn().lower()}
    if settings.public_url:
        own.add((urlsplit(settings.public_url).hostname or "").lower())
    is_open = "*" in own or (settings.trusted_proxies > 0 and not settings.trusted_hosts)

    def check() -> Response | None:
        given = request.environ.get("afterimage.host", "")
        if not given or request.path == "/healthz":
            return None
        found = HOST.fullmatch(given)
        if found is None:
            return problem(400, "host_malformed", "The Host header is not a host name.")
        if is_open or is_ours(found[1].lower().rstrip("."), own):
            return None
        return problem(421, "host_not_allowed", REFUSED)

    return check


def is_ours(host: str, own: set[str]) -> bool:
    """Whether `host` is an address, a name that cannot be registered, or one of `own`.

    A name in `own` that begins with a dot stands for all names that end with it.
    """
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        ends = (*PRIVATE_SUFFIXES, *(name for name in own if name.startswith(".")))
        return "." not in host or host in own or host.endswith(ends)
    return True
