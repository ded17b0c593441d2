"""Webhooks: validate receivers, list deliveries, redeliver, rotate signing secrets."""
