"""How often a digit is written when counting to a number."""

MOST_DIGITS = 4_000  # of the number; more would not fit in a request's first line


def occurrences(digit: int, number: str) -> int:
    """How many times `digit` (0 to 9) stands in the numbers 1, 2, …, `number`, written in decimal.

    In closed form: one step a digit of `number`, whatever its value. Of the numbers up to 10a + b,
    the last digits are `digit` once in each ten; what stands before the last digit was counted up
    to `a`, and occurs ten times each, but for `a` itself, which occurs b + 1 times.
    """
    total = before = seen = 0  # up to `before`; `seen` of them in `before` itself
    for last in map(int, number):
        total = 10 * total - (9 - last) * seen + before
        if last >= digit > 0:
            total += 1
        # No number begins with a zero.
        seen += last == digit and (digit > 0 or before > 0)
        before = 10 * before + last
    return total
