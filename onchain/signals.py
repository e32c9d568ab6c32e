"""What the process at the head tells others in it; nobody has to listen, and nothing may depend on it."""

from django.dispatch import Signal

indexed = Signal()
"""Sent after new blocks are committed."""
