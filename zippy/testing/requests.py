"""Requests of clients cut from the bytes that they come in."""

from __future__ import annotations


def end_of_line(data: bytes, at: int) -> int:
    """The place behind the line that begins at this one; 0 when it is not whole."""
    return data.find(b"\n", at) + 1


def cut_request(data: bytes, at: int) -> tuple[bytes, int]:
    """The first word, in upper case, of the request that begins at this byte, and the place behind it: 0 when it is not whole."""
    end = end_of_line(data, at)
    if not end:
        return b"", 0
    if data[at : at + 1] != b"*":
        return data[at:end].split(b" ", 1)[0].strip().upper(), end
    name = b""
    for i in range(int(data[at + 1 : end])):
        begin = end_of_line(data, end)
        if not begin:
            return b"", 0
        size = int(data[end + 1 : begin])
        end = begin + size + 2
        if end > len(data):
            return b"", 0
        if i == 0:
            name = data[begin : begin + size].upper()
    return name, end
