"""ICC profiles of colour spaces that a file describes by numbers (ICC.1:2010, PNG edition 3)."""

import struct

Matrix = tuple[tuple[float, ...], ...]

# x and y of white, red, green and blue, times 100,000, as in a cHRM chunk.
_BT709 = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
_BT2020 = (31270, 32900, 70800, 29200, 17000, 79700, 13100, 4600)
_P3 = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
_CODED_PRIMARIES = {1: _BT709, 9: _BT2020, 12: _P3}  # ITU-T H.273, table 2
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_VIDEO_CURVE = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
_CODED_CURVES = {  # ITU-T H.273, table 3
    1: _VIDEO_CURVE, 4: (2.2,), 5: (2.8,), 6: _VIDEO_CURVE, 8: (1.0,), 13: _SRGB_CURVE,
    14: _VIDEO_CURVE, 15: _VIDEO_CURVE,
}  # fmt: skip
_SRGB_GAMMA = 45455  # of a gAMA chunk: 1 / 2.2
_GAMMAS = range(1000, 1_000_000)  # beyond these a gAMA chunk is a mistake

_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD: Matrix = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)


def profile_of_code_points(primaries: int, transfer: int, matrix: int, full: int) -> bytes | None:
    """For the numbers of a cICP chunk: a profile, empty for sRGB; None where they name no space
    that an ordinary screen shows, such as one of high dynamic range.
    """
    points, curve = _CODED_PRIMARIES.get(primaries), _CODED_CURVES.get(transfer)
    if points is None or curve is None or matrix or full != 1:
        return None
    return b"" if (points, curve) == (_BT709, _SRGB_CURVE) else _profile(points, curve)


def profile_of_primaries(gamma: int, points: tuple[int, ...] = ()) -> bytes:
    """For the numbers of gAMA and cHRM chunks; empty for what is sRGB, or makes no sense."""
    if gamma not in _GAMMAS:
        return b""
    if gamma == _SRGB_GAMMA and points in ((), _BT709):
        return b""
    try:
        return _profile(points or _BT709, (100_000 / gamma,))
    except (ZeroDivisionError, struct.error):
        return b""


def _profile(points: tuple[int, ...], curve: tuple[float, ...]) -> bytes:
    tags = [(b"wtpt", _xyz(_D50))]
    adapted = _adapted(points)
    for number, name in enumerate((b"r", b"g", b"b")):
        tags.append((name + b"XYZ", _xyz(tuple(row[number] for row in adapted))))
        tags.append((name + b"TRC", _parametric(curve)))
    place = 132 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, value in tags:
        table += struct.pack(">4sII", name, place + len(body), len(value))
        body += value
    size = place + len(body)
    head = struct.pack(
        ">I4sI4s4s4s12x4s28xIII", size, b"", 0x04200000, b"mntr", b"RGB ", b"XYZ ", b"acsp",
        *(round(value * 65536) for value in _D50),
    )  # fmt: skip
    return head.ljust(128, b"\0") + table + body


def _xyz(values: tuple[float, ...]) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(value * 65536) for value in values))


def _parametric(curve: tuple[float, ...]) -> bytes:
    kind = 0 if len(curve) == 1 else 3
    numbers = (round(value * 65536) for value in curve)
    return struct.pack(f">4s4xH2x{len(curve)}i", b"para", kind, *numbers)


def _adapted(points: tuple[int, ...]) -> Matrix:
    """The matrix from linear RGB to XYZ, its white adapted to D50 by Bradford's method."""
    white, *colours = (_xyz_of(*points[n : n + 2]) for n in range(0, 8, 2))
    columns = _transposed(tuple(colours))
    scales = _solved(columns, white)
    matrix = tuple(
        tuple(value * scale for value, scale in zip(row, scales, strict=True)) for row in columns
    )
    before, after = _applied(_BRADFORD, white), _applied(_BRADFORD, _D50)
    gains = tuple(new / old for new, old in zip(after, before, strict=True))
    adapted = []
    for column in _transposed(matrix):
        cone = _applied(_BRADFORD, column)
        adapted.append(
            _solved(_BRADFORD, tuple(c * gain for c, gain in zip(cone, gains, strict=True)))
        )
    return _transposed(tuple(adapted))


def _xyz_of(x: int, y: int) -> tuple[float, ...]:
    return x / y, 1.0, (100_000 - x - y) / y


def _transposed(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix, strict=True))


def _applied(matrix: Matrix, vector: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)


def _solved(matrix: Matrix, vector: tuple[float, ...]) -> tuple[float, ...]:
    """The x of matrix · x = vector, by Cramer's rule."""
    whole = _determinant(matrix)
    columns = _transposed(matrix)
    return tuple(
        _determinant(_transposed((*columns[:n], vector, *columns[n + 1 :]))) / whole
        for n in range(3)
    )


def _determinant(m: Matrix) -> float:
    return (
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
        - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    )
