"""The prediction engine."""
