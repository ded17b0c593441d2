"""Databases with the tables in them, and the rows that tests insert and inspect."""
