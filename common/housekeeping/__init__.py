"""Recurring maintenance: retention, orphaned objects, job locks, rate counters."""
