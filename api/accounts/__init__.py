"""Accounts, and how callers prove who they are."""
