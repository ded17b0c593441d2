"""Predictions: request them, wait for them, list and cancel them."""
