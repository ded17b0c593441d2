"""The admin view of accounts. Password hashes and keys are never read."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from uuid import UUID

from flask import g
from flask_admin.actions import action
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.admin import formatters
from api.admin.search_filters import begins_with, by_id
from api.admin.table_views import Condition, RowsView
from api.state import write
from common.accounts import queries
from common.accounts.names import email_key, name_key
from common.database.ids import FIRST_ID, parse_id
from common.errors import Conflict, NotFound
from common.tables import Role, User


class UsersView(RowsView):
    """The accounts, newest first."""

    rows = row = select(User.id, User.name, User.email, User.role, User.is_active, User.created_at)
    searched_by = "id, or beginning of a name or e-mail"
    column_list = ("name", "email", "role", "is_active", "created_at")
    column_details_list = ("id", *column_list)
    column_labels = {"email": "E-mail", "is_active": "Active", "created_at": "Since"}  # noqa: RUF012
    column_formatters = {"name": formatters.link_to_row, "role": formatters.badge}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__(User, "Users")

    def conditions(self, text: str) -> Iterable[Condition]:
        """Return conditions by id, e-mail address or name."""
        if "@" in text:
            return [begins_with(User.email_key, email_key(text))]
        return by_id(text, User.id) or [begins_with(User.name_key, name_key(text))]

    @action("user", "Make users")
    def make_users(self, ids: Sequence[str]) -> None:
        """Give the accounts the role `user`."""
        self._give(ids, Role.USER)

    @action("ml", "Make ML team")
    def make_ml(self, ids: Sequence[str]) -> None:
        """Give the accounts the role `ml`, which reads search statistics and votes."""
        self._give(ids, Role.ML)

    @action("admin", "Make admins", "Admins may see and do everything. Make them admins?")
    def make_admins(self, ids: Sequence[str]) -> None:
        """Give the accounts the role `admin`."""
        self._give(ids, Role.ADMIN)

    @action("disable", "Disable", "Their sessions, tokens and keys end. Disable them?")
    def disable(self, ids: Sequence[str]) -> None:
        """Disable the accounts: their sessions, tokens and keys become invalid."""
        self.each(ids, partial(_set_active, is_active=False), "disabled")

    @action("enable", "Enable")
    def enable(self, ids: Sequence[str]) -> None:
        """Enable the accounts."""
        self.each(ids, partial(_set_active, is_active=True), "enabled")

    def _give(self, ids: Sequence[str], role: Role) -> None:
        self.each(ids, partial(_set_role, role=role), f"given the role {role}")


def _set_role(id: str, role: Role) -> None:
    _change(id, lambda session, user: queries.set_role(session, user, role))


def _set_active(id: str, is_active: bool) -> None:
    _change(id, lambda session, user: queries.set_active(session, user, is_active))


def _change(id: str, change: Callable[[Session, UUID], object]) -> None:
    """Change an account in one transaction.

    Raises Conflict for the admin's own account, so that one admin always remains, and NotFound.
    """
    user = parse_id(id) or FIRST_ID
    if user == g.caller.id:
        raise Conflict("You cannot change your own account; ask another admin.")

    def work(session: Session) -> None:
        if queries.find_by_id(session, user) is None:
            raise NotFound("This account no longer exists.")
        change(session, user)

    write(work)
