"""Base of the admin views of tables: newest rows first, pages read by an index, no counts."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

import structlog
from flask import flash, g, request
from flask_admin import expose
from flask_admin.form import SecureForm
from flask_admin.model import BaseModelView
from flask_admin.model.base import ViewArgs
from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import Session

from api.admin import formatters
from api.admin.guard import ForAdmins
from api.http.pagination import read_page
from api.state import read
from common.database.ids import LAST_ID, parse_id
from common.database.session import execute
from common.errors import AfterimageError, InputFault, NotFound

log = structlog.get_logger(__name__)
Condition = ColumnElement[bool]
Statement = Select[*tuple[Any, ...]]
MOST_PICKED = 100  # rows of one action
NEVER = {"create_view", "edit_view", "delete_view", "export", "ajax_lookup", "ajax_update"}


class RowsView(ForAdmins, BaseModelView):  # type: ignore[misc]
    """A view of a table with actions on the selected rows.

    A view lists the columns that it reads, so that no other column can be shown.
    """

    rows: Statement  # the columns of the list
    row: Statement  # of the page of one
    searched_by = ""  # shown in the search field; empty: no search
    only: ClassVar[dict[str, Callable[[Statement], Statement]]] = {}  # filtered lists, by name

    page_size = 25
    can_view_details = True
    can_create = can_edit = can_delete = can_export = False
    list_template, details_template = "admin/rows.html", "admin/row.html"
    form_base_class = SecureForm
    column_type_formatters = column_type_formatters_detail = formatters.BY_TYPE

    def __init__(self, model: type[Any], name: str):
        path = name.lower()
        super().__init__(model, name, endpoint=f"admin_{path}", url=path)
        self.key: ColumnElement[UUID] = model.__table__.c.id
        unused = NEVER if self._actions else NEVER | {"action_view"}
        self._urls: list[Any] = [each for each in self._urls if each[1] not in unused]

    def conditions(self, text: str) -> Iterable[Condition]:
        """Return the conditions of a search, each on an index; the first with a result is used."""
        return ()

    def get_list(
        self, _page: Any, _sort: Any, _descending: Any, search: str | None, *_: Any, **__: Any
    ) -> tuple[None, Sequence[Any]]:
        """Return a page of rows for the request; raises InputFault for an invalid query."""
        statements = self._wanted(search or "")
        fetch = partial(self._fetch, statements=statements)
        page = read_page(self.page_size, fetch, lambda row: str(row.id))
        self._template_args["older"] = page.next
        return None, page.items

    def get_one(self, id: Any) -> Any:
        """Return the columns of a row; raises NotFound."""
        statement = self.row.where(self.key == (parse_id(str(id)) or LAST_ID))
        found = read(lambda session: execute(session, statement).first())
        if found is None:
            raise NotFound("No row has this id.")
        return found

    def _wanted(self, search: str) -> list[Statement]:
        show = request.args.get("only")
        if show is not None and show not in self.only:
            raise InputFault("Unknown list.", errors={"only": ["unknown"]})
        if search.strip():
            return [self.rows.where(each) for each in self.conditions(search.strip())]
        return [self.only[show](self.rows) if show else self.rows]

    def _fetch(self, session: Session, statements: list[Statement], limit: int) -> Sequence[Any]:
        """Return up to `limit` rows of the first statement that finds any."""
        cursor = request.args.get("before")
        before = parse_id(cursor) if cursor else LAST_ID
        if before is None:
            raise InputFault(
                "`before` is invalid; it must be the id of a row.", errors={"before": ["bad"]}
            )
        for statement in statements:
            page = statement.where(self.key < before).order_by(self.key.desc())
            if found := execute(session, page.limit(limit)).all():
                return found
        return []

    def each(self, ids: Sequence[str], work: Callable[[str], object], done: str) -> None:
        """Apply `work` to each of the selected rows and flash the outcome."""
        if len(ids) > MOST_PICKED:
            raise InputFault(f"Select at most {MOST_PICKED} rows.")
        good, refusals = 0, dict[str, None]()
        for id in ids:
            try:
                work(id)
                good += 1
            except AfterimageError as error:
                refusals[error.detail] = None
        log.info("admin action", admin=str(g.caller.id), done=done, ids=list(ids), good=good)
        if good:
            flash(f"{done}: {good}", "good")
        for detail in list(refusals)[:3]:
            flash(detail, "bad")

    @expose("/details/")
    def details_view(self) -> str:
        """Return the page of one row."""
        row = self.get_one(request.args.get("id"))
        return self.render(
            self.details_template,
            model=row,
            details_columns=self._details_columns,
            get_value=self.get_detail_value,
        )

    # Methods that Flask-Admin requires of a view.

    def _get_list_extra_args(self) -> ViewArgs:
        """Return the known arguments of the request. Flask-Admin would pass all of them to
        `url_for`, including its options.
        """
        known = {name: request.args[name] for name in ("only",) if name in request.args}
        return ViewArgs(page=0, search=request.args.get("search"), extra_args=known)

    def get_pk_value(self, model: Any) -> str:
        """Return the row's id."""
        return str(model.id)

    def _prettify_name(self, name: str) -> str:
        """Return a column's name in words."""
        return name.replace("_", " ").capitalize()

    def init_search(self) -> bool:
        """Return whether the view can be searched."""
        return bool(self.searched_by)

    def search_placeholder(self) -> str:
        """Return the text of the search field."""
        return self.searched_by

    def scaffold_list_columns(self) -> list[str]:
        """Return no columns beside those that the view lists."""
        return []

    def scaffold_sortable_columns(self) -> dict[str, Any]:
        """Return no sortable columns: the order is that of the index."""
        return {}

    def scaffold_form(self) -> type[Any]:
        """Return an empty form: rows cannot be edited."""
        return SecureForm  # type: ignore[no-any-return]
