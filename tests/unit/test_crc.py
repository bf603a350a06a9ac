"""The checksums against their published check values and against the definition, bit by bit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zippy._core.testing.crc_shim import crc16, crc64


def plain_crc64(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x95AC9329AC4BC9B5 if crc & 1 else 0)
    return crc


def plain_crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc


def test_check_values():
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA
    assert crc16(b"123456789") == 0x31C3
    assert crc64(b"") == 0
    assert crc16(b"") == 0


@pytest.mark.parametrize("size", range(70))
def test_every_length(size):
    data = bytes(n * 37 % 256 for n in range(size))
    assert crc64(data) == plain_crc64(data)
    assert crc16(data) == plain_crc16(data)


@pytest.mark.parametrize("size", [*range(250, 340), 1023, 1024, 1025, 5000])
def test_long_input(size):
    """What is folded, where the processor can, is what bits and pieces give."""
    data = bytes(n * n * 31 % 251 for n in range(size))
    assert crc64(data, 0x123456789ABCDEF0) == crc64(data[200:], crc64(data[100:200], crc64(data[:100], 0x123456789ABCDEF0)))
    assert crc64(data) == plain_crc64(data)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_in_pieces(data, cut):
    assert crc64(data[cut:], crc64(data[:cut])) == crc64(data) == plain_crc64(data)
    assert crc16(data) == plain_crc16(data)
