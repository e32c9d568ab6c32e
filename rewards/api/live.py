"""Server-sent events of a maker's standing: the route's JSON, sent whenever it changes, until the epoch is over.

No view of DRF's: those hold a thread for as long as they answer, and a stream is open for up to an hour.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request

from rewards.api.base import ApiView, maker_epoch
from rewards.api.callers import still_sees
from rewards.api.makers import Standing, standing_row
from rewards.api.params import read
from rewards.api.renderers import Json
from rewards.errors import NotFoundError
from rewards.models import Epoch
from rewards.services.announcing import epoch_topic
from rewards.services.live_standings import Snapshot, snapshot
from rewards.services.news import hub

QUIET_S = 15.0
"""Without news a comment is sent this often: proxies keep the connection, and a reader that is gone is noticed."""
LONGEST_S = 3600.0
"""A stream ends after this, so that readers spread over the web processes anew."""
ASK_AGAIN_S = 30.0
"""Before news is sent it is asked again this often who may look: a key, a role, a maker or a session may be gone."""


class _Events(Json):
    """The form of the stream."""

    media_type = "text/event-stream"


class _Asked(ApiView):
    """Who may open the stream: asked as every route asks, with the same errors."""

    renderer_classes: ClassVar = [_Events]
    is_public, name, tag, row = Standing.is_public, "live", Standing.tag, Standing.row

    def get(self, request: Request, **path: Any) -> HttpResponse:
        """Note the epoch for who may look."""
        read(request, self.params)
        _, epoch = maker_epoch(request, **path)
        if epoch.state == Epoch.State.SCHEDULED:
            raise NotFoundError(kind="standing yet in the epoch", name=str(epoch.number))
        return HttpResponse(str(epoch.pk), content_type="text/plain")


async def stream(request: HttpRequest, maker: str, programme: str, number: int) -> HttpResponseBase:
    """Send a maker's standing in an epoch at once and whenever it changes."""
    answer = await sync_to_async(_ask)(request, maker=maker, programme=programme, number=number)
    if answer.status_code != 200 or not isinstance(answer, HttpResponse):
        return answer
    response: HttpResponseBase = HttpResponse(content_type=_Events.media_type)
    if request.method == "GET":
        lines = _lines(request, int(answer.content), maker)
        response = StreamingHttpResponse(lines, content_type=_Events.media_type)
    for name in ("RateLimit", "RateLimit-Policy", "Vary"):
        response[name] = answer[name]
    response["Cache-Control"] = "no-store"
    # Proxies of nginx's kind hold answers back otherwise.
    response["X-Accel-Buffering"] = "no"
    return response


stream.csrf_exempt = True  # type: ignore[attr-defined]  # it changes nothing, and answers a POST with 405


def _ask(request: HttpRequest, **path: Any) -> HttpResponseBase:
    try:
        answer: HttpResponseBase = _Asked.as_view()(request, **path)
        return answer
    finally:
        # The stream stays open for long; the connection is for others meanwhile.
        if not connection.in_atomic_block:
            connection.close()


def _may_still_look(request: HttpRequest, maker: str) -> bool:
    try:
        return still_sees(request=request, slug=maker)
    finally:
        # This thread belongs to nobody's request, so nobody else gives the connection back.
        connection.close()


async def _lines(request: HttpRequest, epoch_id: int, maker: str) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    ends_at, asked_at, sent = loop.time() + LONGEST_S, loop.time(), ""
    yield "retry: 3000\n\n"
    async with hub().reader(epoch_topic(epoch_id)) as news:
        while loop.time() < ends_at and not hub().is_over:
            if not await news.wait(timeout_s=QUIET_S):
                yield ": still here\n\n"
                continue
            if loop.time() - asked_at >= ASK_AGAIN_S:
                if not await sync_to_async(_may_still_look, thread_sensitive=False)(request, maker):
                    return
                asked_at = loop.time()
            seen = await snapshot(epoch_id=epoch_id, since=news.newest)
            text = json.dumps(_standing(seen, maker), separators=(",", ":"))
            if text != sent:
                yield f"event: standing\ndata: {text}\n\n"
                sent = text
            if seen.is_over:
                return


def _standing(seen: Snapshot, maker: str) -> dict[str, Any]:
    carried = seen.carried.get(maker, 0)
    return standing_row(epoch=seen.epoch, maker=maker, places=seen.rows.values(), carried=carried, clock_ms=seen.now_ms)
