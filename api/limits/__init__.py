"""Limits of what a caller may use: request rates, quotas, waiting requests."""
