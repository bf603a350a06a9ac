"""zippy beside Redis: the same loads on the same machine in one interleaved run. `python -m bench --help` tells the rest."""
