"""The differential harness: the same random commands to zippy and to a real Redis, and every reply compared.

`python -m tests.differential --group string --seed 1 --count 200000 --resp 3 --small` prints each difference as the
shortest list of redis-cli lines that shows it.
"""
