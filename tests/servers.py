"""The private servers under the name by which programs outside the checkout import them."""

from tests.support.servers.private import start_mariadb, start_rabbitmq

__all__ = ["start_mariadb", "start_rabbitmq"]
