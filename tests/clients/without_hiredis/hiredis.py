"""Stands before the real hiredis on PYTHONPATH, so that redis-py falls back to its own parser."""

raise ImportError("hiredis is hidden from this run")
