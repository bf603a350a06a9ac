# LZF for tests, from and to addresses, so that they can lie beside memory that must not be touched.

from libc.stddef cimport size_t
from libc.stdint cimport uintptr_t
from zippy._core.ground.lzf cimport lzf_compress, lzf_decompress


def compress_at(uintptr_t source, size_t size, uintptr_t target, size_t room):
    """lzf_compress."""
    return lzf_compress(<const void*>source, size, <void*>target, room)


def decompress_at(uintptr_t source, size_t size, uintptr_t target, size_t room):
    """lzf_decompress."""
    return lzf_decompress(<const void*>source, size, <void*>target, room)
