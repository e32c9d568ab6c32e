"""Horizontal bars: each value's length against the largest one, as per cent of the row."""

from collections.abc import Sequence


def bar_lengths(*, values: Sequence[int], least_visible_percent: int = 1) -> list[str]:
    """Scale values to the largest; a positive value never vanishes, zero and negatives have no bar.

    Returns:
        One per cent string ("42.5%") for each value, in order.
    """
    largest = max(values, default=0)
    return [_length(value, largest, least_visible_percent) for value in values]


def _length(value: int, largest: int, least_visible_percent: int) -> str:
    if value <= 0 or largest <= 0:
        return "0%"
    tenths = max(value * 1000 // largest, least_visible_percent * 10)
    return f"{tenths // 10}.{tenths % 10}%" if tenths % 10 else f"{tenths // 10}%"
