"""HTTP code that all resources share."""
