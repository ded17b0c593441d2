"""Search: parse a query, score candidates, explain and rank them."""
