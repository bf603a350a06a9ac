"""zippy: an in-memory data store that speaks the Redis protocol."""

__version__ = "0.1.0"
