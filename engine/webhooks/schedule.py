"""The schedule of webhook delivery, as documented; times are in seconds."""

import random
from dataclasses import dataclass

MINUTE, HOUR = 60, 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The times of attempts, and limits on concurrent ones. The schedule is the one that Standard
    Webhooks recommends ("Deliverability and reliability").
    """

    pauses: tuple[float, ...] = (  # before the 1st, the 2nd, … attempt
        0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR,
    )  # fmt: skip
    jitter: float = 0.1  # share of a pause added at random, so that failed deliveries are spread
    connect: float = 5
    whole: float = 15  # an attempt, from resolving the name to the response
    margin: float = 15  # for the steps before and after it; then the attempt counts as lost
    poll: float = 0.5
    put_off: float = 60  # until a delivery is checked again whose prediction is not final
    at_once: int = 16  # concurrent attempts in one engine
    per_host: int = 2  # concurrent attempts to one host
    grace: float = 3  # for attempts in progress when the engine stops

    @property
    def anonymous(self) -> int:
        """The maximum of concurrent attempts for all anonymous callers together, in one engine."""
        return max(1, self.at_once // 2)

    @property
    def per_account(self) -> int:
        """The maximum of concurrent attempts for one account in one engine."""
        return max(1, self.at_once // 4)

    @property
    def lease(self) -> float:
        """The time for which a delivery is claimed."""
        return self.whole + self.margin

    def pause_after(self, attempt: int) -> float | None:
        """Return the pause after a failed attempt, counted from 1; None after the last one."""
        if attempt >= len(self.pauses):
            return None
        return self.pauses[attempt] * random.uniform(1, 1 + self.jitter)


STANDARD = Timing()
