"""Micro-benchmarks of the core's parts, for pytest-benchmark; `bench/README.md` tells how to compare with a saved baseline."""
