"""Tests against models in Python, under a set clock."""
