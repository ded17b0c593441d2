"""Search data that API and engine share: text normalisation, index outbox, feedback, analytics."""
