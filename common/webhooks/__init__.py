"""Webhooks: permitted receivers, signing secrets, and due deliveries.

They follow https://www.standardwebhooks.com. A message may arrive twice (a sender that is killed
between the response and its record of it sends again), always with the same `webhook-id`: receivers
should ignore ids that they have seen.
"""
