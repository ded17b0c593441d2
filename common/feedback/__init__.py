"""What people make of what their searches find, and what the next search learns from it.

Functions take the session first and never commit. A vote changes what `learnt` says in the
transaction that records it.
"""

from common.feedback.learning import Learnt, learnt
from common.feedback.recording import Opinion, record

__all__ = ["Learnt", "Opinion", "learnt", "record"]
