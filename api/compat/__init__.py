"""The exact routes of services this one replaces: thin, on the same use cases as `/v1`."""
