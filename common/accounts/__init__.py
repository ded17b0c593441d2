"""Accounts and their credentials. Functions take the session first and never commit."""
