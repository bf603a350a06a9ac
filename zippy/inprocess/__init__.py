"""The engine in the caller's own process, and redis-py's interface to it; what each module has is in zippy/__init__.py."""
