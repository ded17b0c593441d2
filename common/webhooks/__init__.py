"""Webhooks: who may receive them, what they are signed with, and which are still owed.

They follow https://www.standardwebhooks.com. A message may arrive twice (a sender that is killed
between the answer and its note of it sends again), always with the same `webhook-id`: receivers
drop the ids that they have seen.
"""
