"""Marshmallow schemas: what requests may hold and what answers look like."""
