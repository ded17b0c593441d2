"""The benchmark: what share of the bare decode-and-predict limit the served stack reaches."""
