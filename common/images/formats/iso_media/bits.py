"""Reading bit by bit, for the headers of HEVC and AV1."""


class Bits:
    """Reads the bits of some bytes, the first one of each byte first; past the end it reads 0."""

    def __init__(self, data: bytes):
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def number(self, bits: int) -> int:
        """Return the next unsigned number of `bits` bits."""
        self._left -= bits
        shifted = self._value >> self._left if self._left >= 0 else self._value << -self._left
        return shifted & (1 << bits) - 1

    def exp_golomb(self) -> int:
        """Return the next number in exponential Golomb code: ue(v) in H.265, uvlc in AV1."""
        zeros = 0
        while zeros < 32 and not self.number(1):
            zeros += 1
        return (1 << zeros) - 1 + self.number(zeros)
