"""Feedback on search results: record votes and clicks, list and export votes."""
