"""What can go wrong in the engine: one tree of errors, each a plain sentence with its values."""

from __future__ import annotations


class EngineError(Exception):
    """Base of every error that the engine raises. None of them goes away by trying again."""

    retryable = False
