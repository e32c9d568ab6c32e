"""Counts every request by its route, for /metrics."""

import time
from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from config.routes import route_name
from rewards.services.tallies import tallies

Answer = HttpResponseBase | Awaitable[HttpResponseBase]


class CountingMiddleware:
    """Second to none but the log: what it measures is all that the application does. A stream counts when it opens."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Answer]) -> None:
        self.get_response, self._is_async = get_response, bool(iscoroutinefunction(get_response))
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Answer:
        """Answer, and count."""
        if self._is_async:
            return self._later(request)
        begun_ns = time.perf_counter_ns()
        return _counted(request, self.get_response(request), begun_ns)  # type: ignore[arg-type]

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        begun_ns = time.perf_counter_ns()
        return _counted(request, await self.get_response(request), begun_ns)  # type: ignore[misc]


def _counted(request: HttpRequest, response: HttpResponseBase, begun_ns: int) -> HttpResponseBase:
    tallies.request(
        route=route_name(request), method=str(request.method), status=response.status_code,
        took_us=(time.perf_counter_ns() - begun_ns) // 1000,
    )  # fmt: skip
    return response
