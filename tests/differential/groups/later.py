"""Commands and options that are later than the oracle. The fuzzer sends them; for what Valkey has too, that is one (test_valkey.py)."""

from tests.differential.groups.group import Group

SHARED = """
14  SET key shortval
10  SET key shortval IFEQ shortval {GET|(EX sec|PX ms|EXAT at|PXAT msat|KEEPTTL)}
4   SET key shortval {IFEQ shortval|NX|XX|GET|KEEPTTL}
8   DELIFEQ key shortval
4   GET key
2   PEXPIRETIME key
2   EXISTS key
6   MSETEX 1 key shortval {(NX|XX)|(EX sec|PX ms|EXAT at|PXAT msat|KEEPTTL)}
8   MSETEX 2 key shortval key shortval {(NX|XX)|(EX sec|PX ms|EXAT at|PXAT msat|KEEPTTL)}
3   MSETEX count key shortval key shortval {NX|XX|EX sec|KEEPTTL}
2   RPUSH lkey item
1   DEL anykey
"""
"""What Valkey 9.1 has too."""

VALKEY = Group("valkey", "string", SHARED, filler="")

GROUP = Group(
    "later",
    "string",
    SHARED
    + """
    6   SET key val (IFNE val|IFDEQ digest|IFDNE digest) {GET|EX sec|KEEPTTL}
    6   DELEX key [(IFEQ|IFNE) val]
    4   DELEX key (IFDEQ|IFDNE) digest
    5   DIGEST key
    10  INCREX key {(BYINT integer|BYFLOAT real)|LBOUND integer|UBOUND integer|SATURATE|(EX sec|PX ms|EXAT at|PXAT msat|PERSIST)|ENX}
    4   XADD tkey addid pairsof
    2   XGROUP CREATE tkey groupname 0 MKSTREAM
    8   XREADGROUP GROUP groupname consumer CLAIM idle {COUNT count|NOACK} groupreads
    5   INCREX key {BYFLOAT real|LBOUND real|UBOUND real|SATURATE|EX sec|ENX|PERSIST}
    """,
)
