"""The jobs of test_rq.py."""


def double(number: int) -> int:
    """Twice the number."""
    return number * 2


def fail() -> None:
    """Always fails."""
    raise ValueError("as it should")
