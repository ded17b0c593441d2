"""What a query is compared by: itself as a whole, and each of its terms.

Two queries of m and n terms that share k of them are alike by k / √(m·n), the cosine of the sets of
their terms. It is the sum over the shared terms of 1/√m · 1/√n, so a vote is written down once a
term, with 1/√m, and read by another query with 1/√n: no pairs of queries are kept.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from common.queries import normalise, terms
from common.tables.learning import LONGEST_QUERY

MOST_TERMS = 6  # of a query; what follows them hardly says what is meant


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a query: of the whole, and of each term with its share, 1/√(terms)."""

    whole: bytes
    shares: Mapping[bytes, float]

    @property
    def all(self) -> list[bytes]:
        """The whole's first."""
        return [self.whole, *self.shares]


def keys_of(query: str) -> Keys:
    """Queries of the same terms have the same keys, whatever the order and forms of their words."""
    query = kept(query)
    found = terms(query)[:MOST_TERMS]
    whole = " ".join(sorted(found)) or query
    return Keys(
        _sha256(f"whole {whole}"), {_sha256(f"term {t}"): 1 / sqrt(len(found)) for t in found}
    )


def kept(query: str) -> str:
    """The query as tables keep it: normalised, which can make it longer, and then cut."""
    return normalise(query)[:LONGEST_QUERY].rstrip()


def query_key(query: str) -> bytes:
    """What tells one query from another: the sha256 of what is kept of it."""
    return _sha256(kept(query))


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
