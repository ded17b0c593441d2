"""The search index: derived from the rows, found again from them when it is lost.

`store.py` is the only file that knows LanceDB, and imports it late: it weighs 160 MiB.
"""
