"""The search index: derived data, which can be rebuilt from the database.

Only `store.py` and its helpers use LanceDB, and they import it late: it takes 160 MiB.
"""
