"""Decode image files to pixels within the memory that the process may use."""
