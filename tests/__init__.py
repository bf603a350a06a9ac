"""zippy's tests: commands, structures, floors, and the comparison with a real Redis."""
