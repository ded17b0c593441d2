"""What a caller may find, as a condition on the documents of the index."""

from common.callers import Caller
from engine.index.store import visible_to


def condition_for(caller: Caller) -> str:
    """Return the condition for what the caller may see; no condition for an admin."""
    return "" if caller.is_admin else visible_to(caller.id)
