"""Expiry of keys: all the times are far away or past, so that replies don't depend on when a command runs."""

from tests.differential.groups.group import Group

GROUP = Group(
    "expiry",
    "string",
    """
    8   SET anykey shortval
    4   SET key val (EXAT at|PXAT msat|KEEPTTL|EX sec|PX ms)
    3   RPUSH lkey item+
    3   SADD xkey member+
    3   ZADD zkey scored+
    3   HSET hkey field shortval
    10  EXPIREAT anykey at {(NX|XX)|(GT|LT)}
    10  PEXPIREAT anykey msat {(NX|XX)|(GT|LT)}
    4   PEXPIREAT anykey msat {NX|XX|GT|LT|'foo}
    6   EXPIRE anykey sec [(NX|XX)]
    6   PEXPIRE anykey ms [(NX|XX)]
    2   EXPIRE anykey sec [(GT|LT)]
    4   TTL anykey
    4   PTTL anykey
    6   EXPIRETIME anykey
    6   PEXPIRETIME anykey
    5   PERSIST anykey
    3   RENAME anykey anykey
    3   COPY anykey anykey [REPLACE]
    2   GETEX key [(EXAT at|PXAT msat|PERSIST)]
    1   GETSET key shortval
    1   GETDEL key
    2   INCR key
    2   APPEND key shortval
    1   SETRANGE key 0 'x
    2   SETEX key sec shortval
    2   PSETEX key ms shortval
    1   MSET key shortval key shortval
    1   SINTERSTORE anykey xkey+
    1   SORT lkey STORE anykey
    3   HPEXPIREAT hkey msat [(NX|XX|GT|LT)] fields
    3   HEXPIREAT hkey at [(NX|XX|GT|LT)] fields
    2   HPEXPIRETIME hkey fields
    2   HPERSIST hkey fields
    2   HSETEX hkey [(EXAT at|PXAT msat|KEEPTTL)] pairs
    2   HGETEX hkey [(EXAT at|PXAT msat|PERSIST)] fields
    2   EXISTS anykey+
    1   DBSIZE
    """,
)
