"""Strings."""

from tests.differential.groups.group import Group

GROUP = Group(
    "string",
    "string",
    """
    20  SET key val
    10  SET key val {(NX|XX)|GET|(EX sec|PX ms|EXAT at|PXAT msat|KEEPTTL)}
    4   SET key val {NX|XX|GET|EX sec|PXAT msat|KEEPTTL}
    8   GET key
    3   GETSET key val
    3   GETDEL key
    4   GETEX key [(EX sec|PX ms|EXAT at|PXAT msat|PERSIST)]
    1   GETEX key {EX sec|PERSIST|PXAT msat}
    3   SETNX key val
    2   SETEX key sec val
    2   PSETEX key ms val
    6   APPEND key val
    4   STRLEN key
    6   SETRANGE key offset val
    6   GETRANGE key index index
    2   SUBSTR key index index
    5   INCR nkey
    5   DECR nkey
    4   INCRBY nkey integer
    4   INCRBY nkey small_number
    4   DECRBY nkey integer
    4   DECRBY nkey small_number
    5   INCRBYFLOAT nkey real
    5   INCRBYFLOAT nkey small_number
    2   INCRBYFLOAT key real
    3   SET nkey real
    4   SET nkey integer
    4   SET nkey small_number
    3   GET nkey
    1   DEL nkey+
    4   MSET key val [key val] [key val]
    3   MSETNX key val [key val]
    4   MGET key+
    4   SET ('q0|'q1|'q2) word
    5   LCS ('q0|'q1|'q2) ('q0|'q1|'q2|'l0|'s0) {LEN|IDX|MINMATCHLEN count|WITHMATCHLEN}
    1   PERSIST key
    2   PTTL key
    1   EXPIREAT key at
    """,
)
