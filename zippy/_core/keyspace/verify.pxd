"""Looks for what no command may ever leave behind: tables that contradict each other. For tests; it reads every key."""

from libc.stdint cimport uint64_t
from zippy._core.keyspace.types cimport Db


# What is wrong with a database's tables, NULL when they agree: each entry is the one that is found under its key, and the expires hold
# exactly those that have an expiry, by address. Takes time in proportion to the keys
cdef const char* db_fault(Db* db) noexcept nogil
