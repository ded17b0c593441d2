"""The services that the end-to-end test talks to."""

from tests.support.calls import cat as cat
from tests.support.served import models as models
from tests.support.served import stack as stack
