"""Log in with a password, refresh the tokens of a log-in, log out."""
