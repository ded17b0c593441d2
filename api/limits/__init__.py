"""Limits of a caller's use: request rates, quotas, waiting requests."""
