"""Feedback on search results: votes and clicks, and the score adjustments learned from votes.

Functions take the session first and never commit. A vote changes the result of
`read_adjustments` in the transaction that records it.
"""

from common.search.feedback.record import Opinion, record
from common.search.feedback.scores import Adjustments, read_adjustments

__all__ = ["Adjustments", "Opinion", "read_adjustments", "record"]
