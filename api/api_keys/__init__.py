"""Personal API keys: create, list, delete."""
