"""Writes to one table, repeated when another writer's commit came first."""

from typing import Any

from engine.index.maintenance import retried


def merge(table: Any, rows: Any) -> None:
    """Insert or update rows; if two engines read the same image, the later read wins."""
    newer = "target.read_at <= source.read_at"

    def work(table: Any) -> None:
        step = table.merge_insert("id").when_matched_update_all(where=newer)
        step.when_not_matched_insert_all().execute(rows)

    retried(table, work)


def delete(table: Any, which: str) -> None:
    """Delete the rows that a condition selects."""
    retried(table, lambda table: table.delete(which))
