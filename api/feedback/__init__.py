"""Votes on searches, and what they and the searches add up to."""
