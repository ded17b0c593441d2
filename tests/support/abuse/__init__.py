"""Hostile requests, what they must be answered, and what they cost the service."""
