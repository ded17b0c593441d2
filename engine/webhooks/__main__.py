"""`python -m engine.webhooks secret|rotate`: what receivers check the service's signatures with."""

import argparse
import sys

from common.db import transact
from common.errors import AfterimageError
from common.logs import configure
from common.services import open_services
from common.settings import Settings
from common.webhooks.secrets import ensure_secret, rotate


def main() -> int:
    """Print a secret; 1 when the settings or the database cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m engine.webhooks", description=__doc__)
    parser.add_argument(
        "verb",
        choices=["secret", "rotate"],
        help="secret: the current one; rotate: a new one, the former signs too for 24 hours",
    )
    verb = parser.parse_args().verb
    try:
        settings = Settings.from_env()
        configure(settings.log_level, settings.log_format)  # to stderr: the secret stands alone
        with open_services(settings) as services:
            print(
                transact(services.sessions, rotate)
                if verb == "rotate"
                else transact(services.sessions, ensure_secret)[0]
            )
    except AfterimageError as error:
        print(f"webhooks: {error.detail}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
