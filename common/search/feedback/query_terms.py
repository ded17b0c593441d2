"""What a query is compared by: itself as a whole, and each of its terms.

Two queries of m and n terms that share k of them are alike by k / √(m·n), the cosine of the sets of
their terms. It is the sum over the shared terms of 1/√m · 1/√n, so a vote is written down once a
term, with 1/√m, and read by another query with 1/√n: no pairs of queries are kept.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any
from uuid import UUID, uuid5

from common.search.text import normalise, terms
from common.tables.feedback import LONGEST_QUERY

SPACE = UUID("5d3f7c1e-8a51-4b0a-9d43-6f2f0c7be1a4")  # of the names that keys are made of
MOST_TERMS = 6  # of a query; what follows them hardly says what is meant


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a query: of the whole, and of each term with its share, 1/√(terms)."""

    whole: UUID
    shares: Mapping[UUID, float]

    @property
    def all(self) -> list[UUID]:
        """The whole's first."""
        return [self.whole, *self.shares]


def keys_of(query: str) -> Keys:
    """Queries of the same terms have the same keys, whatever the order and forms of their words."""
    query = kept(query)
    found = terms(query)[:MOST_TERMS]
    whole = " ".join(sorted(found)) or query
    shares = {uuid5(SPACE, f"term {term}"): 1 / sqrt(len(found)) for term in found}
    return Keys(uuid5(SPACE, f"whole {whole}"), shares)


def kept(query: str) -> str:
    """The query as tables keep it: normalised, which can make it longer, and then cut."""
    return normalise(query)[:LONGEST_QUERY].rstrip()


def query_key(query: str) -> bytes:
    """What tells one query from another: the sha256 of what is kept of it."""
    return hashlib.sha256(kept(query).encode("utf-8", "replace")).digest()


def query_of(params: Mapping[str, Any]) -> str:
    """Return the query of a search with these params, under which votes on its results count.

    A search for images similar to another one gets a word of its own that no text query shares.
    """
    return str(params["query"]) if "query" in params else f"image:{UUID(params['image_id']).hex}"
