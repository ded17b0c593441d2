"""Copies of an image: the same bytes, or encoded anew, resized or slightly cropped.

Vectors find candidates; a comparison of fingerprints decides.
"""
