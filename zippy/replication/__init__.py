"""Replication by Redis's PSYNC: this server as a primary of others, and as a replica of one."""
