"""Gunicorn: its configuration, and a worker that receives requests without blocking a thread."""
