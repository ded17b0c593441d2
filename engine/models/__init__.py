"""The models: the catalogue of known ones, how they are fetched, checked, loaded and run.

Nothing outside this package imports an inference runtime.
"""
