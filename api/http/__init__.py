"""HTTP concerns that all resources share."""
