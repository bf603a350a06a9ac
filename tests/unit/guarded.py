"""Bytes beside memory that must not be read: whoever leaves them crashes at once."""

import ctypes
import mmap

LIBC = ctypes.CDLL(None, use_errno=True)
PROT_NONE = 0


class Guarded:
    """A run of pages between two that cannot be read."""

    def __init__(self, size=16 * mmap.PAGESIZE):
        self.size = size
        self.pages = mmap.mmap(-1, size + 2 * mmap.PAGESIZE)
        self.start = ctypes.addressof(ctypes.c_char.from_buffer(self.pages)) + mmap.PAGESIZE
        for guard in (self.start - mmap.PAGESIZE, self.start + size):
            if LIBC.mprotect(ctypes.c_void_p(guard), mmap.PAGESIZE, PROT_NONE):
                raise OSError(ctypes.get_errno(), "mprotect")

    def at_end(self, raw):
        """The address of a copy that ends where the pages end."""
        return self.put(raw, self.size - len(raw))

    def at_start(self, raw):
        """The address of a copy that starts where the pages start."""
        return self.put(raw, 0)

    def put(self, raw, offset):
        ctypes.memmove(self.start + offset, raw, len(raw))
        return self.start + offset

    def read(self, address, size):
        """So many bytes at an address."""
        return ctypes.string_at(address, size)

    def judge(self, raw, valid_at):
        """What valid_at(address, size) says of the bytes, asked at both borders."""
        verdict = valid_at(self.at_end(raw), len(raw))
        assert valid_at(self.at_start(raw), len(raw)) == verdict
        return verdict
