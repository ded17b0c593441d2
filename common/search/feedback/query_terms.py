"""The keys by which queries are compared: one for the whole query and one for each of its terms.

The similarity of two queries of m and n terms that share k of them is k / √(m·n), the cosine of the
sets of their terms. It equals the sum over the shared terms of 1/√m · 1/√n. So a vote is stored
once per term, weighted by 1/√m, and read for another query with the weight 1/√n; no pairs of
queries are stored.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any
from uuid import UUID, uuid5

from common.search.text import normalise, terms
from common.tables.feedback import LONGEST_QUERY

NAMESPACE = UUID("5d3f7c1e-8a51-4b0a-9d43-6f2f0c7be1a4")  # of the UUIDv5 keys
TERM_LIMIT = 6  # of a query; later terms add little to its meaning


@dataclass(frozen=True, slots=True)
class Keys:
    """The key of the whole query, and the key of each term with its share, 1/√(terms)."""

    whole: UUID
    shares: Mapping[UUID, float]

    @property
    def all(self) -> list[UUID]:
        """All keys, the whole query's first."""
        return [self.whole, *self.shares]


def keys_of(query: str) -> Keys:
    """Return the keys of a query. Queries with the same terms have the same keys, independent of
    the order and the forms of their words.
    """
    query = stored_form(query)
    stems = terms(query)[:TERM_LIMIT]
    whole = " ".join(sorted(stems)) or query
    shares = {uuid5(NAMESPACE, f"term {term}"): 1 / sqrt(len(stems)) for term in stems}
    return Keys(uuid5(NAMESPACE, f"whole {whole}"), shares)


def stored_form(query: str) -> str:
    """Return the query as tables store it: normalized, which can make it longer, and then cut."""
    return normalise(query)[:LONGEST_QUERY].rstrip()


def query_key(query: str) -> bytes:
    """Return the sha256 of the query's stored form, which identifies it."""
    return hashlib.sha256(stored_form(query).encode("utf-8", "replace")).digest()


def query_of(params: Mapping[str, Any]) -> str:
    """Return the query of a search with these params, under which votes on its results count.

    A search by an image gets a word of its own that no text query shares.
    """
    if "query" in params:
        return str(params["query"])
    kind = "image" if "image_id" in params else "copies"
    return f"{kind}:{UUID(params.get('image_id') or params['copies_of']).hex}"


def voted_query(params: Mapping[str, Any], result: Mapping[str, Any] | None) -> str:
    """Return the query under which votes on the results of a search count: that of `query_of`, in
    English if words of another language were translated, so that Hund and dog share votes.
    """
    understood = (result or {}).get("query")
    return str(understood["read_as"]) if understood else query_of(params)
