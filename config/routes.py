"""What a request's address is called: one of a fixed list, whoever asks for what."""

from typing import Final

from django.http import HttpRequest

NOWHERE: Final = "none"
"""Static files, and addresses that lead nowhere."""


def route_name(request: HttpRequest) -> str:
    """Return the route's name, its pattern where it has none, or `none`; never anything that a caller chose."""
    match = request.resolver_match
    return NOWHERE if match is None else (match.view_name or match.route or NOWHERE)
