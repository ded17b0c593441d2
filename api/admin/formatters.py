"""How values are shown in the admin pages. All is escaped: only what is built here is HTML."""

import json
from datetime import datetime
from typing import Any

from flask import url_for
from markupsafe import Markup

NOTHING = Markup('<span class="none">–</span>')
LONGEST = 160  # characters of a text in a list


def by_type(_view: Any, value: Any, _name: str) -> Any:
    """A value of a type that reads better otherwise."""
    if value is None or value == "":
        return NOTHING
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
    """A text's beginning."""
    text = getattr(row, name) or ""
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


def badge(_view: Any, _context: Any, row: Any, name: str) -> Any:
    """A word out of a few, with a colour of its own."""
    return Markup('<span class="badge" data-word="{0}">{0}</span>').format(getattr(row, name))


def link_to_row(_view: Any, _context: Any, row: Any, name: str) -> Any:
    """The row's own page."""
    return Markup('<a href="{}">{}</a>').format(
        url_for(".details_view", id=row.id), getattr(row, name)
    )


def user_link(_view: Any, _context: Any, row: Any, name: str) -> Any:
    """An account by its name; nobody's, or that of an account that is gone, has none."""
    if row.owner_id is None:
        return NOTHING
    address = url_for("admin_users.details_view", id=row.owner_id)
    return Markup('<a href="{}">{}</a>').format(address, getattr(row, name) or "closed")


def thumbnail(_view: Any, _context: Any, row: Any, name: str) -> Any:
    """The image itself, small, with its page behind it."""
    id = getattr(row, name)
    if id is None:
        return NOTHING
    return Markup('<a href="{}"><img class="thumb" src="{}" alt="" loading="lazy"></a>').format(
        url_for("admin_images.details_view", id=id), url_for("admin_images.thumbnail", id=id)
    )
