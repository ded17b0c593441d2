"""What the API and the engine mean by the same words."""
