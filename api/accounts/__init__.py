"""Accounts: sign up, show, change and close them; permission checks; the security log."""
