"""Gunicorn: its configuration, and a worker whose threads do not wait for slow clients."""
