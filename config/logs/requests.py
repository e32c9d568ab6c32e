"""Gives each request its id, and says each once when it has been answered."""

import logging
import re
import time
import uuid
from typing import Any, Final

import structlog
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.functional import LazyObject, empty
from django_structlog.middlewares.request import RequestMiddleware, async_streaming_content_wrapper

from config.routes import NOWHERE, route_name

HEADER: Final = "X-Request-ID"
WELL_FORMED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
QUIET: Final = frozenset({"healthz", "readyz", "metrics", "proof", "proof-of-root"})
"""Routes that machines ask by the thousand: their lines, and those of static files, are for debugging."""
LONGEST_PATH: Final = 500
"""As much of a path as is written; those of ours are shorter."""
logger = structlog.get_logger(__name__)
_plain = logging.getLogger(__name__)


class RequestLogMiddleware(RequestMiddleware):
    """Outermost of all: whatever is written while it answers carries the request's id, and so does the answer.

    A proxy's id is taken over where it is well formed, so that both logs can be read side by side. The audit log
    never takes it: an id that anybody can choose proves nothing, so there stands `own_id`, which is also in the line.
    """

    def prepare(self, request: HttpRequest) -> None:
        """Settle the id."""
        structlog.contextvars.clear_contextvars()
        own, taken = ids_of(request.headers.get(HEADER, ""))
        request.own_id, request.request_id = own, taken  # type: ignore[attr-defined]
        request.begun_ns = time.monotonic_ns()  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(request_id=taken)
        if taken != own:
            structlog.contextvars.bind_contextvars(own_id=own)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        """Put the id into the answer, and say how it went."""
        response[HEADER] = request.request_id  # type: ignore[attr-defined]
        self.bind_user_id(request)
        if hasattr(request, "_raised_exception"):
            # It has been said, with where it was raised.
            del request._raised_exception
        else:
            facts = _facts(request, response)
            logger.log(_level(facts["status"], facts["route"]), "request_finished", **facts)
            if isinstance(response, StreamingHttpResponse) and response.is_async:
                context = structlog.contextvars.get_merged_contextvars(logger)
                response.streaming_content = async_streaming_content_wrapper(response.streaming_content, context)
        structlog.contextvars.clear_contextvars()

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Return method and path; queries hold what people typed."""
        return f"{request.method} {request.path[:LONGEST_PATH]}"

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Add the person's number where the page has asked for it anyway; no address of the caller is written."""
        user = request.__dict__.get("user")
        if user is None or (isinstance(user, LazyObject) and user.__dict__.get("_wrapped", empty) is empty):
            return
        if user.is_authenticated:
            structlog.contextvars.bind_contextvars(user_id=user.pk)


def _facts(request: HttpRequest, response: HttpResponse) -> dict[str, Any]:
    return {
        "method": request.method, "path": request.path[:LONGEST_PATH], "route": route_name(request),
        "status": response.status_code, "duration_ms": (time.monotonic_ns() - request.begun_ns) // 1_000_000,  # type: ignore[attr-defined]
    }  # fmt: skip


def _level(status: int, route: str) -> int:
    if status >= 500:
        return logging.ERROR
    return logging.DEBUG if status < 400 and (route in QUIET or route == NOWHERE) else logging.INFO


def ids_of(given: str) -> tuple[str, str]:
    """Return a request's own id and the one that its lines and its answer carry, for what its X-Request-ID gives."""
    own = uuid.uuid4().hex
    return own, given if WELL_FORMED.fullmatch(given) else own


def say_answered(
    *, method: str, path: str, route: str, status: int, duration_ms: int, own_id: str, request_id: str,
    user_id: int | None = None,
) -> None:  # fmt: skip
    """Write the line of a request that was answered before Django: the same that Django's requests have."""
    level = _level(status, route)
    # Asked first: most proof packs are not worth a line, and there may be thousands a second.
    if not _plain.isEnabledFor(level):
        return
    more: dict[str, Any] = {} if user_id is None else {"user_id": user_id}
    if own_id != request_id:
        more["own_id"] = own_id
    logger.log(
        level, "request_finished", method=method, path=path[:LONGEST_PATH], route=route, status=status,
        duration_ms=duration_ms, request_id=request_id, **more,
    )  # fmt: skip
