"""`python -m engine.webhooks secret|rotate`: the secret that verifies anonymous callers' webhooks.

An account reads its own secret at `GET /v1/webhooks/secret`.
"""

import argparse
import sys
from functools import partial

from common.database.session import transact
from common.services import Services
from common.webhooks.secrets import current_secret, rotate
from engine.command_line import run_program


def main() -> int:
    """Print a secret; return 1 if the settings or the database cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m engine.webhooks", description=__doc__)
    parser.add_argument(
        "verb",
        choices=["secret", "rotate"],
        help="secret: print the current one; rotate: replace it, and those of all accounts (the "
        "previous ones also sign for 24 hours)",
    )
    verb = parser.parse_args().verb

    def work(services: Services) -> int:
        if verb == "rotate":
            transact(services.sessions, rotate)
        # Logs go to stderr, so that stdout contains only the secret.
        print(transact(services.sessions, partial(current_secret, owner_id=None)))
        return 0

    return run_program("webhooks", work)


if __name__ == "__main__":
    sys.exit(main())
