"""What people make of what their searches find, and what the next search learns from it.

Functions take the session first and never commit. A vote changes what `learnt` says in the
transaction that records it.
"""

from common.search.feedback.record import Opinion, record
from common.search.feedback.scores import Learnt, learnt

__all__ = ["Learnt", "Opinion", "learnt", "record"]
