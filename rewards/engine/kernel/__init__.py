"""Compiled replay of a market: numba over plain arrays, integers only; `replay.run` is its one entry."""
