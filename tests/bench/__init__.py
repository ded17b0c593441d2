"""Tests of the benchmark's own parts; the benchmark itself measures real services."""
