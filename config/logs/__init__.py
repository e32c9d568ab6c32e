"""What the service says of itself: one JSON object a line, with the request's or task's id and without secrets."""

from config.logs.setup import logging_config

__all__ = ["logging_config"]
