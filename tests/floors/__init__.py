"""The house rules: who may import whom, and where a command lives."""
