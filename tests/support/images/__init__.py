"""Images for tests: made up, or real photographs where they are installed."""
