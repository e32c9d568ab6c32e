"""Reads of public pages from a streaming replica, where REPLICA_DATABASE_URL names one; all else asks the primary.

A request may be answered by the replica when all of this holds: it only reads, its page is one of `MAY_BE_STALE`, its
browser has changed nothing in the last few seconds, and the replica was not further behind than REPLICA_MAX_LAG_S when
it was last asked, a second ago at most. What decides (scoring, publishing, tasks, commands, the API's keys and limits)
never runs inside such a request. docs/scaling.md says what a reader may notice.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.http import HttpRequest, HttpResponseBase

REPLICA: Final = "replica"
MAY_BE_STALE: Final = frozenset(
    {
        *("home", "programme", "programme-history", "epoch", "revisions"),
        *("api:programmes", "api:programme", "api:sessions", "api:actions", "api:epochs", "api:epoch", "api:terms"),
        *("api:results", "api:leaderboard"),
    }
)
"""Public pages and routes, by name: what they say is as of a moment anyhow. None is about money on its way."""
WROTE: Final = "lamplight-wrote"
"""A cookie that says nothing but that its browser has just changed something; it ends by itself."""
WROTE_FOR_S: Final = 30
ASK_EVERY_S: Final = 1.0
GONE_FOR_S: Final = 10.0
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_stale: ContextVar[bool] = ContextVar("reads_may_be_stale", default=False)


class ReplicaRouter:
    """Django's database router: reads of a request that may be stale go to the replica."""

    def db_for_read(self, _model: Any, **_hints: Any) -> str:
        """Name the database to read from."""
        return REPLICA if _stale.get() else DEFAULT_DB_ALIAS

    def db_for_write(self, _model: Any, **_hints: Any) -> str:
        """Name the database to write to."""
        return DEFAULT_DB_ALIAS

    def allow_relation(self, *_: Any, **__: Any) -> bool:
        """Both are the same database."""
        return True

    def allow_migrate(self, db: str, *_: Any, **__: Any) -> bool:
        """A replica gets its tables from the primary."""
        return db != REPLICA


class Lag:
    """How far the replica is behind, in seconds, from where both are in the write-ahead log.

    Once a second it is noted where the primary stands. What the replica has replayed was the primary's newest at the
    time of some note: its age is the lag, exact to a second, also when nothing is written for hours.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._notes: deque[tuple[float, int]] = deque(maxlen=900)
        self._asked_at = self._gone_until = float("-inf")
        self._lag_s: float | None = None
        self._lock = threading.Lock()

    def seconds(self) -> float | None:
        """Return the lag; None while the replica can't be asked, or is further behind than is known."""
        with self._lock:
            now = self._clock()
            if now < self._gone_until:
                return None
            if now - self._asked_at >= ASK_EVERY_S:
                self._asked_at, self._lag_s = now, self._ask(now)
            return self._lag_s

    def gone(self) -> None:
        """Leave the replica alone for a while: it has just failed."""
        with self._lock:
            self._gone_until = self._clock() + GONE_FOR_S

    def _ask(self, now: float) -> float | None:
        try:
            self._notes.append((now, _position(DEFAULT_DB_ALIAS, "pg_current_wal_lsn()")))
            replayed = _position(REPLICA, "coalesce(pg_last_wal_replay_lsn(), '0/0')")
        except OperationalError:
            connections[REPLICA].close()
            self._gone_until = now + GONE_FOR_S
            return None
        reached = [noted_at for noted_at, position in self._notes if position <= replayed]
        return now - reached[-1] if reached else None


class ReplicaMiddleware:
    """Decides for each request whether its reads may be stale, and asks the primary if the replica fails under it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer; a browser that may have changed something reads from the primary for a while."""
        token = _stale.set(False)
        try:
            response = self.get_response(request)
        finally:
            _stale.reset(token)
        if settings.REPLICA_DATABASE_URL and request.method not in SAFE:
            response.set_cookie(
                WROTE, "1", max_age=WROTE_FOR_S, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
            )
        return response

    def process_view(self, request: HttpRequest, *_: Any) -> None:
        """Choose, now that the page is known; who asks has been read from the primary."""
        _stale.set(_may_be_stale(request))

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Answer from the primary what the replica could not."""
        if not (_stale.get() and isinstance(error, OperationalError)) or request.resolver_match is None:
            return None
        lag.gone()
        connections[REPLICA].close()
        _stale.set(False)
        match = request.resolver_match
        answer: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        return answer


def _may_be_stale(request: HttpRequest) -> bool:
    if not settings.REPLICA_DATABASE_URL or request.method not in SAFE or WROTE in request.COOKIES:
        return False
    match = request.resolver_match
    # A key may have been revoked this second: who has one is found out on the primary, with all that it reads.
    if match is None or match.view_name not in MAY_BE_STALE or "Authorization" in request.headers:
        return False
    # Read now, from the primary, so that nobody is shown what their role allowed a moment ago.
    str(getattr(request, "user", ""))
    behind_s = lag.seconds()
    return behind_s is not None and behind_s <= settings.REPLICA_MAX_LAG_S


def _position(alias: str, expression: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT pg_wal_lsn_diff({expression}, '0/0')::bigint")
        return int(cursor.fetchone()[0])


lag = Lag()
"""This process's."""
