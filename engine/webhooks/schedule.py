"""The numbers of webhook delivery, in seconds where not said otherwise: the published schedule."""

import random
from dataclasses import dataclass

MINUTE, HOUR = 60, 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When and how long attempts are made. The schedule is the one that Standard Webhooks
    recommends ("Deliverability and reliability").
    """

    pauses: tuple[float, ...] = (  # before the 1st, the 2nd, … attempt
        0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR,
    )  # fmt: skip
    jitter: float = 0.1  # of a pause, added at random so that many failures do not return at once
    connect: float = 5
    whole: float = 15  # an attempt from the name's resolution to the answer
    margin: float = 15  # for all before and after it; then the attempt counts as lost
    poll: float = 0.5
    put_off: float = 60  # until a delivery is looked at again whose prediction is not final
    at_once: int = 16  # attempts under way in one engine
    per_host: int = 2  # of them to one host
    grace: float = 3  # for attempts under way when the engine stops

    @property
    def anonymous(self) -> int:
        """How many attempts for anonymous callers, all together, may be under way in one engine."""
        return max(1, self.at_once // 2)

    @property
    def per_account(self) -> int:
        """How many attempts for one account may be under way in one engine."""
        return max(1, self.at_once // 4)

    @property
    def lease(self) -> float:
        """How long a claimed delivery is left to its claimer."""
        return self.whole + self.margin

    def pause_after(self, attempt: int) -> float | None:
        """The pause after a failed attempt, counted from 1; None when it was the last."""
        if attempt >= len(self.pauses):
            return None
        return self.pauses[attempt] * random.uniform(1, 1 + self.jitter)


STANDARD = Timing()
