"""Bitmaps: bits, ranges of bits and packed integers in strings."""

from tests.differential.groups.group import Group

GROUP = Group(
    "bitmap",
    "string",
    """
    10  SET key bits
    4   SET key val
    2   GET key
    15  SETBIT key bitoffset bit
    8   GETBIT key bitoffset
    6   BITCOUNT key [index index [(BYTE|BIT)]]
    2   BITCOUNT key index [(BIT|index)]
    8   BITPOS key bit [index [index [(BYTE|BIT)]]]
    10  BITOP (AND|OR|XOR|NOT|DIFF|DIFF1|ANDOR|ONE) key key+
    2   BITOP NOT key key
    10  BITFIELD key [OVERFLOW (WRAP|SAT|FAIL)] (GET field_place|(SET|INCRBY) field_place bitvalue)
    10  BITFIELD key (OVERFLOW (WRAP|SAT|FAIL|'foo)|GET field_place|(SET|INCRBY) field_place bitvalue)+
    1   BITFIELD key
    5   BITFIELD_RO key (GET field_place)+
    1   BITFIELD_RO key SET 'u8 0 1
    2   STRLEN key
    1   APPEND key bits
    """,
)
