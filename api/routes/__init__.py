"""The routes of `/v1` and of the service itself: a blueprint a file."""
