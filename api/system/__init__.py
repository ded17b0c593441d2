"""The service itself: health, readiness, catalogue, metrics and the documentation page."""
