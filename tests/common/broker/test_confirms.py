"""The publisher's book of outstanding confirms, against a model of what a broker may answer."""

from hypothesis import given
from hypothesis import strategies as st

from common.broker import Message
from common.broker.amqp.confirms import Batch, Confirms

ANSWERS = st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.booleans()), max_size=40)
SIZES = st.lists(st.integers(0, 6), max_size=6)


def batches(sizes: list[int]) -> list[Batch]:
    return [Batch([Message(f"q{index % 2}", b"") for index in range(size)]) for size in sizes]


@given(SIZES, ANSWERS)
def test_each_message_gets_the_first_answer_that_covers_its_tag(
    sizes: list[int], answers: list[tuple[int, bool, bool]]
) -> None:
    book, published, model = Confirms(), batches(sizes), dict[int, bool]()
    for batch in published:
        book.expect(batch)
    for tag, multiple, confirmed in answers:
        book.settle(tag, multiple, confirmed)
        for covered in range(1 if multiple else tag, tag + 1):
            model.setdefault(covered, confirmed)
    flat = [yes for batch in published for yes in batch.confirmed]
    assert flat == [model.get(tag, False) for tag in range(1, len(flat) + 1)]
    last = 0
    for batch, size in zip(published, sizes, strict=True):
        tags, last = range(last + 1, last + size + 1), last + size
        assert batch.done.is_set() == (size > 0 and all(tag in model for tag in tags))


@given(SIZES.filter(any))
def test_a_returned_message_fails_its_queue_and_no_other(sizes: list[int]) -> None:
    book, published = Confirms(), batches(sizes)
    for batch in published:
        book.expect(batch)
    book.unroutable("q1")
    book.settle(sum(sizes), multiple=True, confirmed=True)
    for batch in published:
        assert batch.confirmed == [message.queue == "q0" for message in batch.messages]


def test_a_broadcast_in_between_takes_a_tag_of_its_own() -> None:
    book, [first, second] = Confirms(), batches([1, 1])
    book.expect(first)
    book.skip()
    book.expect(second)
    book.settle(2, multiple=False, confirmed=True)
    assert (first.confirmed, second.confirmed) == ([False], [False])
    book.settle(3, multiple=False, confirmed=True)
    assert (first.confirmed, second.confirmed) == ([False], [True])


def test_when_no_answer_will_come_everybody_is_told() -> None:
    book, [batch] = Confirms(), batches([3])
    book.expect(batch)
    book.settle(1, multiple=False, confirmed=True)
    book.fail()
    assert batch.done.is_set()
    assert batch.confirmed == [True, False, False]
