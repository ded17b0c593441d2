"""Counts a decimal digit in the numbers from 1 to n."""

MOST_DIGITS = 4_000  # of the number; more would not fit in a request's first line


def occurrences(digit: int, number: str) -> int:
    """Return how many times `digit` (0 to 9) occurs in the numbers 1, 2, …, `number` in decimal.

    One step per digit of `number`, whatever its value. In the numbers up to 10a + b, the last digit
    equals `digit` once in each ten. The prefix before the last digit runs up to `a`: each prefix
    occurs ten times, and `a` itself b + 1 times.
    """
    total = before = seen = 0  # up to `before`; `seen` of them in `before` itself
    for last in map(int, number):
        total = 10 * total - (9 - last) * seen + before
        if last >= digit > 0:
            total += 1
        # Numbers have no leading zero.
        seen += last == digit and (digit > 0 or before > 0)
        before = 10 * before + last
    return total
