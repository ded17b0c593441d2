"""Models: the catalogue, and how models are downloaded, verified, loaded and run.

Nothing outside this package imports an inference runtime.
"""
