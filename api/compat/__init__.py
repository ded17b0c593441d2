"""The routes of five earlier services, unchanged for their clients, on the use cases of `/v1`."""
