"""Bytes as letters that stand in a page as they are: 13 bits in two of 91; the page reads them back (``decode.js``).

The 91 are the visible ones of ASCII but for ``<``, ``>`` and ``&``: no parser of HTML or XML, no server's charset and
no line ending touches them, and white space that an editor puts between them is passed over. Two of 91 give 8,281
pairs, so that 23 bytes in a hundred are added, where base64 adds 33. Whether all came over is told by the length that
stands beside them, and by the checksum of what they hold.
"""

from __future__ import annotations

import numpy as np

LETTERS = bytes(c for c in range(0x21, 0x7F) if c not in b"<>&")
_BITS = 13
_N = len(LETTERS)


def to_letters(data: bytes) -> str:
    """Bytes as text.

    Examples
    --------
    >>> len(to_letters(bytes(13)))
    16
    """
    rows = -(-len(data) // _BITS)
    padded = np.zeros((rows, _BITS + 2), np.uint32)
    padded[:, :_BITS] = np.frombuffer(data + bytes(rows * _BITS - len(data)), np.uint8).reshape(rows, _BITS)
    text = np.empty((rows, 8, 2), np.uint8)
    letters = np.frombuffer(LETTERS, np.uint8)
    for k in range(8):
        byte, bit = divmod(k * _BITS, 8)
        three = padded[:, byte] << 16 | padded[:, byte + 1] << 8 | padded[:, byte + 2]
        value = three >> (24 - _BITS - bit) & 2**_BITS - 1
        text[:, k, 0], text[:, k, 1] = letters[value // _N], letters[value % _N]
    n_pairs = -(-8 * len(data) // _BITS)
    return text.tobytes()[: 2 * n_pairs].decode("ascii")


def from_letters(text: bytes, n_bytes: int) -> bytes:
    """The bytes again.

    Parameters
    ----------
    text : bytes
        Letters, and white space between them.
    n_bytes : int
        How many bytes they held.

    Raises
    ------
    ValueError
        If they are more or fewer, or others than these letters are among them.

    Examples
    --------
    >>> from_letters(to_letters(b"Delft").encode(), 5)
    b'Delft'
    """
    digits = np.full(256, _N, np.uint32)
    digits[np.frombuffer(LETTERS, np.uint8)] = np.arange(_N)
    raw = np.frombuffer(b"".join(text.split()), np.uint8)
    pairs = digits[raw[: len(raw) // 2 * 2]].reshape(-1, 2)
    if len(raw) != 2 * -(-8 * n_bytes // _BITS) or bool((pairs >= _N).any()):
        raise ValueError(f"{len(raw):,} letters do not hold {n_bytes:,} bytes")
    rows = -(-len(pairs) // 8)
    values = np.zeros(8 * rows, np.uint64)
    values[: len(pairs)] = pairs[:, 0] * _N + pairs[:, 1]
    bits = values.reshape(rows, 8) & np.uint64(2**_BITS - 1)
    out = np.zeros((rows, _BITS + 2), np.uint64)
    for k in range(8):
        byte, bit = divmod(k * _BITS, 8)
        three = bits[:, k] << np.uint64(24 - _BITS - bit)
        for i in range(3):
            out[:, byte + i] |= three >> np.uint64(16 - 8 * i) & np.uint64(255)
    return out[:, :_BITS].astype(np.uint8).tobytes()[:n_bytes]
