"""Delivery of webhooks: claim due deliveries, compose and sign messages, send them to checked
addresses.
"""
