"""Counts and says a request that is answered before Django, as Django's middleware does with all others."""

import time
from typing import Final

from config.front import Scope
from config.logs.requests import HEADER, ids_of, say_answered
from rewards.services.tallies import tallies

_HEADER: Final = HEADER.lower().encode()


class Answered:
    """One request, from when it came. Nothing is counted of one that is handed on: Django does that."""

    __slots__ = ("_begun_ns", "_own_id", "_scope", "request_id")

    def __init__(self, scope: Scope) -> None:
        self._begun_ns, self._scope = time.perf_counter_ns(), scope
        self._own_id = self.request_id = ""

    def header(self, headers: dict[bytes, bytes]) -> tuple[bytes, bytes]:
        """Settle the request's id by its headers, and return the answer's header with it."""
        self._own_id, self.request_id = ids_of(headers.get(_HEADER, b"").decode("latin-1"))
        return _HEADER, self.request_id.encode()

    def done(self, *, route: str, status: int, user_id: int | None = None) -> None:
        """Count it and write its line. route: as the list of addresses names it; user_id: of who asked, if known."""
        took_us = (time.perf_counter_ns() - self._begun_ns) // 1000
        method, path = self._scope["method"], self._scope["path"]
        tallies.request(route=route, method=method, status=status, took_us=took_us)
        say_answered(
            method=method, path=path, route=route, status=status, duration_ms=took_us // 1000, own_id=self._own_id,
            request_id=self.request_id, user_id=user_id,
        )  # fmt: skip
