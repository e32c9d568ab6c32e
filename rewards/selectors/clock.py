"""The pages' clock: what time it is on the chain."""

from onchain import selectors as chain


def chain_now_ms() -> int | None:
    """Return the time of the newest block that we have read (ms UTC), or None before the first."""
    head = chain.head()
    return None if head is None else head.time_ms
