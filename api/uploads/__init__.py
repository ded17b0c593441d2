"""Uploads: from request bytes to a stored image and its prediction rows."""
