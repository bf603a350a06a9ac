"""What the tests of the stream group share: replies as short texts, and streams to begin with."""

from __future__ import annotations

from tests.resp import RawClient, Reply

BAD_ID = "-ERR Invalid stream ID specified as stream command argument"
WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value"
NOT_ABOVE = "-ERR The ID specified in XADD is equal or smaller than the target stream top item"
ZERO_ID = "-ERR The ID specified in XADD must be greater than 0-0"
EXHAUSTED = "-ERR The stream has exhausted the last possible ID, unable to add more items"
NOT_AN_INTEGER = "-ERR value is not an integer or out of range"
SYNTAX = "-ERR syntax error"
NO_KEY_FOR_GROUP = (
    "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty "
    "stream automatically."
)
TWO_WAYS = "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
LIMIT_ALONE = "-ERR syntax error, LIMIT cannot be used without the special ~ option"
LIMIT_OF_NOTHING = "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
BAD_START = "-ERR invalid start ID for the interval"
BAD_END = "-ERR invalid end ID for the interval"
BAD_NUMBER_OF_IDS = "-ERR Number of IDs must be a positive integer"
OTHER_NUMBER_OF_IDS = "-ERR The `numids` parameter must match the number of arguments"
MEANINGLESS = (
    "-ERR The ? ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, "
    "or use the > ID to get new messages. The ? ID would just return an empty result set."
)
OTHER = "[name other consumers 0 pending 0 last-delivered-id 1-1 entries-read nil lag 4]"
"""What XINFO GROUPS tells of the group "other" of FILLED."""

FILLED = (
    "XADD s 1-1 a 1",
    "XADD s 1-2 a 2",
    "XADD s 2-1 a 3 b 4",
    "XADD s 3-1 b 5",
    "XADD s 3-2 a 6",
    "XGROUP CREATE s g 0",
    "XGROUP CREATE s other 1-1",
    "XREADGROUP GROUP g one COUNT 2 STREAMS s >",
    "XREADGROUP GROUP g two COUNT 1 STREAMS s >",
    "SET text 1",
)
"""A stream "s" of five entries; of its group "g" the consumer "one" has the first two pending, "two" the third, and the others are to be
read."""


def run(raw: RawClient, command: str) -> Reply:
    """A command whose words have no spaces; "" stands for no bytes."""
    return raw(*(b"" if word == '""' else word for word in command.split()))


def tell(reply: Reply) -> str:
    """A reply as one text: strings and numbers as they are, errors with their dash, {} around a map, nil for each null."""
    if reply.kind in "*~>":
        return f"[{' '.join(tell(item) for item in reply.value)}]"
    if reply.kind == "%":
        return f"{{{' '.join(f'{tell(key)}: {tell(value)}' for key, value in reply.value)}}}"
    if reply.is_null:
        return "nil"
    text = reply.value.decode("latin-1") if isinstance(reply.value, bytes) else str(reply.value)
    return f"-{text}" if reply.is_error else text or '""'


def answers(raw: RawClient, commands: str) -> str:
    """The reply to the last of some commands, between which stands "; "."""
    return [tell(run(raw, command)) for command in commands.split("; ")][-1]
