"""Formats values of the admin pages. All values are escaped; only HTML built here is not."""

import json
from datetime import datetime
from typing import Any

from flask import url_for
from markupsafe import Markup

EMPTY = Markup('<span class="none">–</span>')
LONGEST = 160  # characters of a text in a list


def by_type(_view: Any, value: Any, _name: str) -> Any:
    """Format a value by its type."""
    if value is None or value == "":
        return EMPTY
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M:%S}Z</time>').format(
            value.isoformat(), value
        )
    if isinstance(value, bytes):
        return Markup("<code>{}</code>").format(value.hex())
    text = json.dumps(value, indent=1, ensure_ascii=False)
    return Markup("<pre>{}</pre>").format(text)


BY_TYPE = dict.fromkeys((type(None), str, bool, datetime, bytes, dict, list), by_type)


def short(_view: Any, _context: Any, row: Any, name: str) -> Any:
    """Return the beginning of a text."""
    text = getattr(row, name) or ""
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


def badge(_view: Any, _context: Any, row: Any, name: str) -> Any:
    """Format a word of a small set as a coloured badge."""
    return Markup('<span class="badge" data-word="{0}">{0}</span>').format(getattr(row, name))


def link_to_row(_view: Any, _context: Any, row: Any, name: str) -> Any:
    """Return a link to the row's page."""
    return Markup('<a href="{}">{}</a>').format(
        url_for(".details_view", id=row.id), getattr(row, name)
    )


def user_link(_view: Any, _context: Any, row: Any, name: str) -> Any:
    """Return a link to the owner, `closed` for a deleted account, a dash for anonymous rows."""
    if row.owner_id is None:
        return EMPTY
    address = url_for("admin_users.details_view", id=row.owner_id)
    return Markup('<a href="{}">{}</a>').format(address, getattr(row, name) or "closed")


def thumbnail(_view: Any, _context: Any, row: Any, name: str) -> Any:
    """Return the thumbnail of an image as a link to its page."""
    id = getattr(row, name)
    if id is None:
        return EMPTY
    return Markup('<a href="{}"><img class="thumb" src="{}" alt="" loading="lazy"></a>').format(
        url_for("admin_images.details_view", id=id), url_for("admin_images.thumbnail", id=id)
    )
