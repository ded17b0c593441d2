"""The engine as a child process of the API's: standalone starts it, and starts it again if it ends.

`supervisor.py` runs in the parent and imports nothing that computes; `__main__.py` is the child.
The child writes to its standard output whether it can use the settings: a line with
ACCEPTED, or one with the reason why not.
"""

ACCEPTED = "accepted"
BROKER_OPTION = "--broker-socket"
