"""The services that the end-to-end test talks to."""

from tests.support.http.calls import cat as cat
from tests.support.services.served import models as models
from tests.support.services.served import stack as stack
