"""Which values the fuzzer gives to each setting: what the settings table says, and chosen ones where it says too little."""

from __future__ import annotations

from tests.differential.groups.group import LIMITS
from zippy.settings import SETTINGS, Setting, render

LEFT_OUT = {
    "bind": "the fuzzer connects there",
    "port": "the fuzzer connects there",
    "tls-port": "the fuzzer connects there",
    "requirepass": "it would lock all clients out",
    "maxclients": "it would lock all clients out",
    "min-replicas-to-write": "it would refuse all writes",
    "dir": "protected",
    "dbfilename": "protected",
}
"""Settings that CONFIG SET is not called for, and why."""

NUMBERS = ("0", "1", "10", "1000")
"""For what is kept and not acted on."""

CHOSEN = {
    "tcp-keepalive": ("0", "300"),
    "timeout": ("0", "0", "0", "1"),
    "max-new-connections-per-cycle": ("1", "10", "1000"),
    "loglevel": ("debug", "verbose", "notice"),
    "hz": ("1", "10", "100", "500"),
    "client-output-buffer-limit": (
        "normal 0 0 0 pubsub 0 0 0",
        "normal 0 0 0 pubsub 1mb 512kb 1",
        "normal 5mb 2mb 1 pubsub 1mb 512kb 1",
    ),
    "client-query-buffer-limit": ("1mb", "1gb"),
    "proto-max-bulk-len": ("1mb", "512mb"),
    "maxmemory-clients": ("0", "0", "0", "20mb", "50%"),
    "tracking-table-max-keys": ("1000000", "0", "1", "10"),
    "maxmemory": ("0", "0", "0", "5mb", "20mb"),
    "maxmemory-samples": ("1", "5", "64"),
    "maxmemory-eviction-tenacity": ("0", "10", "100"),
    "active-expire-effort": ("1", "10"),
    "lfu-log-factor": ("0", "1", "10"),
    "lfu-decay-time": ("0", "1"),
    "save": ("", "", "3600 1 300 100", "1 1"),
    "rdb-key-save-delay": ("0", "0", "100"),
    "auto-aof-rewrite-percentage": ("0", "1", "100"),
    "auto-aof-rewrite-min-size": ("1kb", "1mb", "64mb"),
    "slowlog-log-slower-than": ("-1", "0", "10000"),
    "slowlog-max-len": ("0", "1", "128"),
    "latency-monitor-threshold": ("0", "0", "1"),
    "latency-tracking-info-percentiles": ("", "50 99 99.9", "0 100"),
    "notify-keyspace-events": ("", "KEA", "KEAmnoc", "Ex"),
    **{name.decode(): tuple(value.decode() for value in values) for name, values in LIMITS.items()},
}


def values_of(setting: Setting) -> tuple[str, ...]:
    """The texts that CONFIG SET gives to a setting; none for one that it may not change or that is left out."""
    if not setting.mutable or setting.name in LEFT_OUT or setting.name.startswith("tls-"):
        return ()
    if setting.name in CHOSEN:
        return CHOSEN[setting.name]
    if setting.type == "bool":
        return ("yes", "no")
    if setting.choices:
        return setting.choices
    default = render(setting, setting.default)
    if setting.type in ("int", "memory"):
        return (default, *(number for number in NUMBERS if setting.low <= int(number) <= setting.high))
    return (default,)


VALUES = {setting.name: values for setting in SETTINGS if (values := values_of(setting))}
ACTED_ON = [setting.name for setting in SETTINGS if setting.used and setting.name in VALUES]
"""The settings that are tried often; the others are only kept."""
