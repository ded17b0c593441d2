"""Receivers of webhooks, and deliverers with short schedules."""
