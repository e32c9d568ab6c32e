"""Lets the audit log know which request, and which person, a write came from."""

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from audit import context


class AuditContextMiddleware:
    """Has the audit entries of a request carry its id and its person. No address of the caller is kept."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, with the request as what is at work."""
        # Ours (config/logs/requests.py), not the caller's: an id that anybody can choose proves nothing.
        request_id = getattr(request, "own_id", "") or uuid.uuid4().hex

        def facts() -> dict[str, object]:
            # At the time of the write: signing in changes who it is in the middle of a request.
            found: dict[str, object] = {"request": request_id, "path": f"{request.method} {request.path[:200]}"}
            person = getattr(request, "user", None)
            if person is not None and person.is_authenticated:
                found |= {"user": person.pk, "username": person.get_username(), "role": getattr(person, "role", "")}
            return found

        token = context.begin(facts)
        try:
            return self.get_response(request)
        finally:
            context.end(token)
