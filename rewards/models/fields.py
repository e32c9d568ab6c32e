"""Column types that rewards share: exact, unbounded integers (the same as for facts from the chain)."""

from onchain.fields import ExactIntegerField

__all__ = ["ExactIntegerField"]
