"""INFO's fields of services that a server may be without; a service that is there puts its values over these."""

from __future__ import annotations

from zippy._core import snapshot
from zippy._core.introspection import is_loading
from zippy._core.session import Core
from zippy.server.identity import Identity
from zippy.server.info import Fields, Sections
from zippy.settings import Settings

NOTHING_SAVED: Fields = {
    **dict.fromkeys(("loading", "async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age"), 0),
    "current_fork_perc": "0.00",
    **dict.fromkeys(("current_save_keys_processed", "current_save_keys_total", "rdb_changes_since_last_save", "rdb_bgsave_in_progress"), 0),
    "rdb_last_save_time": 0,
    "rdb_last_bgsave_status": "ok",
    "rdb_last_bgsave_time_sec": -1,
    "rdb_current_bgsave_time_sec": -1,
    **dict.fromkeys(("rdb_saves", "rdb_last_cow_size", "rdb_last_load_keys_expired", "rdb_last_load_keys_loaded"), 0),
    **dict.fromkeys(("aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"), 0),
    "aof_last_rewrite_time_sec": -1,
    "aof_current_rewrite_time_sec": -1,
    "aof_last_bgrewrite_status": "ok",
    **dict.fromkeys(("aof_rewrites", "aof_rewrites_consecutive_failures"), 0),
    "aof_last_write_status": "ok",
    **dict.fromkeys(("aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"), 0),
}
NO_REPLICAS: Fields = {
    "role": "master",
    "connected_slaves": 0,
    "master_failover_state": "no-failover",
    "master_replid": "",
    "master_replid2": "0" * 40,
    "master_repl_offset": 0,
    "second_repl_offset": -1,
    **dict.fromkeys(("repl_backlog_active", "repl_backlog_size", "repl_backlog_first_byte_offset", "repl_backlog_histlen"), 0),
}


class Placeholders:
    """A server that saves nothing, a primary without replicas, a node without a cluster."""

    def __init__(self, core: Core, settings: Settings, identity: Identity) -> None:
        self.core = core
        self.settings = settings
        self.identity = identity

    def sections(self) -> Sections:
        """For INFO."""
        return {
            "persistence": (NOTHING_SAVED, self.persistence_fields),
            "replication": (NO_REPLICAS, self.replication_fields),
            "cluster": {"cluster_enabled": 0},
        }

    def persistence_fields(self) -> Fields:
        """What is known where nothing is saved."""
        return {
            "loading": int(is_loading(self.core)),
            "rdb_changes_since_last_save": snapshot.changes(self.core),
            "rdb_last_save_time": int(self.identity.started_at),
        }

    def replication_fields(self) -> Fields:
        """What is known where there are none."""
        return {"master_replid": self.identity.replication_id, "repl_backlog_size": self.settings.integer("repl-backlog-size")}
