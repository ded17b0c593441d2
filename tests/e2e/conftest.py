"""The services that the end-to-end test talks to."""

from tests.calls import cat as cat
from tests.served import models as models
from tests.served import stack as stack
