"""Webhooks are sent from here: picked, composed and signed, delivered to addresses checked."""
