"""What zippy gives to tests of other projects: zippy.testing, and snapshots of an engine."""
