"""Accounts and how they prove themselves. Functions take the session first and never commit."""
