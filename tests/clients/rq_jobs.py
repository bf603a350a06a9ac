"""The jobs of test_rq.py."""


def double(number: int) -> int:
    """Twice the number."""
    return number * 2


def add_to_sum(number: int) -> None:
    """Adds to the key "sum" on the job's server."""
    from rq import get_current_job

    get_current_job().connection.incrby("sum", number)


def fail() -> None:
    """Always fails."""
    raise ValueError("as it should")


def fail_until(name: str, last: int) -> int:
    """Fails until it is called for the `last` time under this name; the number of calls."""
    from rq import get_current_job

    calls = int(get_current_job().connection.incr(f"calls:{name}"))
    if calls < last:
        raise ValueError("not yet")
    return calls
