"""Keeping the data: snapshots and the append-only file."""
