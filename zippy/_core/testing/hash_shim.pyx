# Hash and random source for tests.

from zippy._core.ground.hash cimport hash_bytes, hash_seed
from zippy._core.ground.random cimport Random, random_below, random_next, random_seed, random_unit


def hash_of(bytes key):
    return hash_bytes(<const char*>key, len(key))


def seed_hash(seed):
    """Change the hash of the whole process: only while no table is filled."""
    hash_seed(seed)


cdef class Source:
    """A random source."""

    cdef Random random

    def __cinit__(self, seed):
        random_seed(&self.random, seed)

    def next(self):
        return random_next(&self.random)

    def below(self, bound):
        return random_below(&self.random, bound)

    def unit(self):
        return random_unit(&self.random)

    @property
    def state(self):
        return [self.random.state[i] for i in range(4)]

    @state.setter
    def state(self, words):
        for i in range(4):
            self.random.state[i] = words[i]
