"""Search data that the API and the engine share: text normalization, index outbox, feedback and
analytics.
"""
