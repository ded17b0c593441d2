"""Measure the quality of the search on labelled photographs, and the effect of feedback on it."""
