"""`python -m api.people`: the former name of `python -m api.accounts`, for existing scripts."""

import sys

from api.accounts.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
