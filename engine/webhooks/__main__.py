"""`python -m engine.webhooks secret|rotate`: the secret that verifies anonymous callers' webhooks.

An account reads its own secret at `GET /v1/webhooks/secret`.
"""

import argparse
import sys
from functools import partial

from common.database.session import transact
from common.errors import AfterimageError
from common.observability.logs import configure
from common.services import open_services
from common.settings import Settings
from common.webhooks.secrets import current_secret, rotate


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
    try:
        settings = Settings.from_env()
        configure(
            settings.log_level, settings.log_format
        )  # logs go to stderr, so that stdout contains only the secret
        with open_services(settings) as services:
            if verb == "rotate":
                transact(services.sessions, rotate)
            print(transact(services.sessions, partial(current_secret, owner_id=None)))
    except AfterimageError as error:
        print(f"webhooks: {error.detail}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
