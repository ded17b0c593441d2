"""An engine that freezes inside a transaction: its locks end, and another engine does the work."""

import signal
import time
from pathlib import Path
from uuid import UUID

from common.database.mysql import IDLE_TRANSACTION
from common.database.session import DatabaseUnavailable, now
from common.tables import State
from tests.faults.clients import Clients
from tests.faults.ledger import check
from tests.faults.stack import FaultStack
from tests.support.http.calls import get, until
from tests.support.rows.prediction_steps import rewrite


def test_a_row_that_a_frozen_engine_has_locked_is_free_in_time(
    stack: FaultStack, tmp_path: Path
) -> None:
    """It stops between `finish` and COMMIT."""
    stack.stop_engines()
    fired = tmp_path / "fired"
    frozen = stack.start_engine(0, "before-result", CRASH_FIRED=str(fired), CRASH_HOW="freeze")
    with Clients(stack.urls, "locked", count=1) as clients:
        clients.send(1)
    until(fired.exists, 60, "an engine frozen in its transaction")
    [[id]] = [upload.ids for upload in clients.uploads]
    start = time.monotonic()
    until(lambda: is_free(stack, UUID(id)), IDLE_TRANSACTION + 15, "the row to be free")
    print(f"free after {time.monotonic() - start:.1f} s")
    assert get(f"{stack.urls[0]}/v1/predictions/{id}").json()["status"] == State.PROCESSING
    other = stack.start_engine(1)
    ledger = check(stack, clients.uploads, within=60)
    assert ledger.is_clean, ledger
    assert ledger.rows[id]["attempts"] == 2
    frozen.process.send_signal(signal.SIGCONT)
    time.sleep(2)
    assert get(f"{stack.urls[-1]}/v1/predictions/{id}").json() == ledger.rows[id]
    assert frozen.process.poll() is None, "it goes on working"
    other.stop()


def is_free(stack: FaultStack, id: UUID) -> bool:
    """Whether the row can be written; lets its lease end, as time would."""
    try:
        rewrite(stack.sessions, [id], lease_until=now(-1), check_at=now(-1))
    except DatabaseUnavailable:
        return False
    return True
