"""Faults that must be survived: the harness, and a test for every row of the two tables.

`python -m tests.faults --help` says how the long form is run.
"""
