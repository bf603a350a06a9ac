"""The structures, each by itself against a model."""
