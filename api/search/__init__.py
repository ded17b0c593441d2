"""Search by text and by similar image."""
