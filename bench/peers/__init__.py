"""Other ways to serve the same network, measured beside this service.

A module named `…_service` is a peer. It is written as its framework's documentation shows and runs
in the virtual environment of `requirements.txt`.
"""
