"""Gunicorn's settings of a program that may crash: the ordinary ones, once the traps are set.

Gunicorn reads this in its arbiter and loads the application in its workers, later.
"""

from api.gunicorn_conf import *  # noqa: F403
from tests.faults.crashing import install

install()
