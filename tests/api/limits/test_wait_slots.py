"""Turns to wait: no caller takes those of the others, long polls leave some for the other waits."""

from api.limits.wait_slots import Wait, WaitSlots

MOST, POLLS = 48, 8


def poll(caller: str, network: str = "") -> Wait:
    return Wait(caller, network or caller, is_poll=True)


def own(caller: str, network: str = "") -> Wait:
    return Wait(caller, network or caller)


def taken(turns: WaitSlots, wait: Wait, tries: int = 2 * MOST) -> int:
    return sum(turns.take(wait) for _ in range(tries))


def test_a_caller_has_a_few_long_polls() -> None:
    turns = WaitSlots(MOST, POLLS)
    assert [taken(turns, poll(name)) for name in "abcdef"] == [8, 8, 8, 8, 0, 0]
    assert turns.take(own("f")), "a third is not for long polls"


def test_accounts_of_one_network_share_its_long_polls() -> None:
    turns = WaitSlots(MOST, POLLS)
    assert sum(taken(turns, poll(f"account {n}", "n")) for n in range(20)) == 3 * POLLS
    assert taken(turns, poll("account 1", "another")) == 0, "it is the same account"
    assert taken(turns, poll("another")) == POLLS


def test_one_caller_alone_has_two_thirds_and_leaves_turns_for_each_next_one() -> None:
    turns = WaitSlots(MOST, POLLS)
    assert taken(turns, own("a")) == 32
    assert 8 <= taken(turns, own("b")) < 16
    assert all(turns.take(own(name)) for name in "cd")


def test_many_accounts_of_one_network_leave_turns_for_others() -> None:
    turns = WaitSlots(MOST, POLLS)
    assert sum(taken(turns, own(f"account {n}", "n")) for n in range(100)) < MOST
    assert turns.take(own("another"))


def test_long_polls_do_not_count_as_other_waits() -> None:
    turns = WaitSlots(MOST, POLLS)
    assert taken(turns, poll("a")) == POLLS
    assert turns.take(own("a"))
    one = WaitSlots(1, POLLS)
    assert one.take(poll("a"))
    assert not one.take(own("b"))


def test_a_turn_that_was_given_back_is_free() -> None:
    turns = WaitSlots(MOST, POLLS)
    for wait in (poll("a"), own("a")):
        for _ in range(3 * MOST):
            assert turns.take(wait)
            turns.give_back(wait)
    assert taken(turns, poll("a")) == POLLS


def test_a_large_share_turns_the_limit_by_caller_off() -> None:
    assert taken(WaitSlots(MOST, MOST), poll("a")) == 32
