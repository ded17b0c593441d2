"""Queries in other languages: which words they have, which language they are in, what they mean."""
