"""Batches: up to 1,000 predictions in one request."""
