"""Forwarding headers of trusted proxies, PUBLIC_URL, and the check of the Host header.

This module decides scheme, host and path prefix, with which links, cookies and redirects begin.
"""

import ipaddress
import re
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from api.http.problems import problem
from common.settings import Settings

Environ = dict[str, Any]
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
PREFIX = re.compile(r"(/[A-Za-z0-9._~%!$&'()*+,;=:@-]+)+")
# Names that cannot be registered, so that no other site can be served under them.
PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".home.arpa", ".lan", ".localdomain")
HOST_NOT_ALLOWED = (
    "This service is not configured for this host name. Its operator can allow the name with "
    "PUBLIC_URL or TRUSTED_HOSTS."
)


def register(app: Flask, settings: Settings) -> None:
    """Apply forwarding headers and PUBLIC_URL, and refuse requests for unknown host names."""
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
    if hops:  # for the client's address only: each proxy appends the address of its peer
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, 0, 0, 0)  # type: ignore[method-assign]
    app.before_request(_host_check(settings))


def _apply_forwarded(environ: Environ, hops: int) -> None:
    """Set scheme, host, port and prefix from the last `hops` values of each header."""
    forwarded = {
        name: [each.strip() for each in environ.get(f"HTTP_X_FORWARDED_{name}", "").split(",")]
        for name in ("PROTO", "HOST", "PORT", "PREFIX")
    }
    scheme, host, port = (forwarded[name][-hops:][0] for name in ("PROTO", "HOST", "PORT"))
    if scheme.lower() in ("http", "https"):
        environ["wsgi.url_scheme"] = scheme.lower()
    if HOST.fullmatch(host):
        environ["HTTP_HOST"] = host
    if port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536:
        _set_port(environ, port)
    # Each proxy appends the prefix that it has removed from the path, the outermost first.
    prefix = "".join(each.rstrip("/") for each in forwarded["PREFIX"][-hops:])
    if PREFIX.fullmatch(prefix) and "/.." not in prefix:
        _mount(environ, prefix)


def _set_port(environ: Environ, port: str) -> None:
    usual = {"http": "80", "https": "443"}[environ["wsgi.url_scheme"]]
    match = HOST.fullmatch(environ.get("HTTP_HOST", ""))
    if match:
        environ["HTTP_HOST"] = match[1] if port == usual else f"{match[1]}:{port}"
    environ["SERVER_PORT"] = port


def _mount(environ: Environ, path: str) -> None:
    """Serve the application below `path`, whether or not the proxy has removed it."""
    prefix = unquote_to_bytes(path.rstrip("/")).decode("latin-1")
    full_path = environ.get("PATH_INFO", "")
    environ["SCRIPT_NAME"] = prefix
    if prefix and (full_path == prefix or full_path.startswith(prefix + "/")):
        environ["PATH_INFO"] = full_path[len(prefix) :] or "/"


def _host_check(settings: Settings) -> Callable[[], Response | None]:
    """Return the check of the Host header, which stops DNS rebinding attacks by other sites.

    With trusted proxies and without TRUSTED_HOSTS every name is accepted: the proxies check them.
    """
    own = {*settings.trusted_hosts, socket.gethostname().lower(), socket.getfqdn().lower()}
    if settings.public_url:
        own.add((urlsplit(settings.public_url).hostname or "").lower())
    is_open = "*" in own or (settings.trusted_proxies > 0 and not settings.trusted_hosts)

    def check() -> Response | None:
        given = request.environ.get("afterimage.host", "")
        if not given or request.path == "/healthz":
            return None
        match = HOST.fullmatch(given)
        if match is None:
            detail = "The Host header is not a host name. Send `Host: name` or `Host: name:port`."
            return problem(400, "host_malformed", detail)
        if is_open or is_own_host(match[1].lower().rstrip("."), own):
            return None
        return problem(421, "host_not_allowed", HOST_NOT_ALLOWED)

    return check


def is_own_host(host: str, own: set[str]) -> bool:
    """Return whether `host` is an IP address, an unregistrable name, or one of `own`.

    A name in `own` that begins with a dot matches all names that end with it.
    """
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        ends = (*PRIVATE_SUFFIXES, *(name for name in own if name.startswith(".")))
        return "." not in host or host in own or host.endswith(ends)
    return True
