"""What the strings of HyperLogLogs say, read and written plainly."""

from __future__ import annotations

REGISTERS = 16384
HEADER = b"HYLL\x01\x00\x00\x00" + bytes(7) + b"\x80"
"""Of a sparse one whose cardinality is out of date."""
DENSE_SIZE = 16 + REGISTERS * 6 // 8

Registers = list[int]


def decoded(text: bytes) -> Registers | None:
    """All registers; None: it is no HyperLogLog, or a damaged one."""
    if len(text) < 16 or text[:4] != b"HYLL" or text[4] > 1 or (text[4] == 0 and len(text) != DENSE_SIZE):
        return None
    return sparse_registers(text[16:]) if text[4] else dense_registers(text[16:])


def sparse_registers(opcodes: bytes) -> Registers | None:
    """What opcodes tell of all registers; None: of fewer, or more."""
    registers: Registers = []
    codes = iter(opcodes)
    for code in codes:
        if len(registers) >= REGISTERS:
            return None
        if code >= 0x80:
            registers += [(code >> 2 & 31) + 1] * ((code & 3) + 1)
        elif code >= 0x40:
            registers += [0] * (((code & 63) << 8 | next(codes, 1 << 16)) + 1)
        else:
            registers += [0] * (code + 1)
    return registers if len(registers) == REGISTERS else None


def dense_registers(data: bytes) -> Registers:
    """Six bits each."""
    words = (int.from_bytes(data[at : at + 3], "little") for at in range(0, len(data), 3))
    return [word >> shift & 63 for word in words for shift in (0, 6, 12, 18)]


def packed(registers: Registers) -> bytes:
    """The reverse of it."""
    fours = zip(*(registers[at::4] for at in range(4)), strict=True)
    return b"".join((a | b << 6 | c << 12 | d << 18).to_bytes(3, "little") for a, b, c, d in fours)
