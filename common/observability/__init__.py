"""Logs, metrics, error reports and drift."""
