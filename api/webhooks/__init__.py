"""Webhooks: validate receivers, list deliveries, redeliver."""
