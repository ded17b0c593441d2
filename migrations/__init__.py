"""The database's changes over time, by Alembic."""
