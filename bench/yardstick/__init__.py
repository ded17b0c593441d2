"""The yardstick of the benchmark, which runs in a virtual environment of its own."""
