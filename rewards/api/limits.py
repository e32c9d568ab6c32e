"""How much one caller may ask for, over all web processes: by key, by person, or by place.

A process takes some tries ahead from the database and counts those in its memory, so that a read is not a write. What
it took and did not use is lost to others until the stretch of time ends, so the limit is never passed.
"""

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from rest_framework.request import Request

from accounts.errors import ThrottledError
from accounts.models import ApiKey, User
from accounts.throttle import WINDOW_S, place_key, take_tries

AHEAD: Final = 20
"""A process takes the limit's twentieth at a time."""
_MOST_LEASES: Final = 20_000


@dataclass(slots=True)
class _Lease:
    window: int
    left: int
    beyond: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left: `remaining` of `most` until `reset_s` seconds from now."""

    most: int
    remaining: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        """Return the headers of draft-ietf-httpapi-ratelimit-headers."""
        return {
            "RateLimit-Policy": f'"api";q={self.most};w={WINDOW_S}',
            "RateLimit": f'"api";r={self.remaining};t={self.reset_s}',
        }


_leases: dict[str, _Lease] = {}
_lock = threading.Lock()


def allowance(*, key: str, most: int, now: datetime) -> Allowance:
    """Count one request. Raises ThrottledError, with the time to wait, when it is one too many."""
    window, passed_s = divmod(int(now.timestamp()), WINDOW_S)
    with _lock:
        lease = _leases.get(key)
        if lease is not None and lease.window == window and lease.left > 0:
            lease.left -= 1
            return Allowance(most, lease.left + lease.beyond, WINDOW_S - passed_s)
    tries = max(1, most // AHEAD)
    counted = take_tries(key=key, tries=tries, now=now)
    granted = min(tries, most - (counted - tries))
    if granted < 1:
        raise ThrottledError(wait_s=WINDOW_S - passed_s)
    with _lock:
        if len(_leases) > _MOST_LEASES:
            _leases.clear()
        lease = _leases[key] = _Lease(window, granted - 1, max(0, most - counted))
    return Allowance(most, lease.left + lease.beyond, WINDOW_S - passed_s)


def caller(request: Request) -> tuple[str, int]:
    """Return what a request is counted under, and how many there may be in WINDOW_S seconds."""
    if isinstance(request.auth, ApiKey):
        return f"api key {request.auth.pk}", settings.API_LIMIT_SIGNED_IN
    if isinstance(request.user, User):
        return f"api person {request.user.pk}", settings.API_LIMIT_SIGNED_IN
    return f"api {place_key(ip=request.META.get('REMOTE_ADDR'))}", settings.API_LIMIT_ANYBODY


def forget() -> None:
    """Forget what was taken ahead; for tests, whose database is another one each time."""
    _leases.clear()
