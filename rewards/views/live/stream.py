"""Server-sent events: a scorecard that stays up to date while it is open."""

import asyncio
import json
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.sign_in import session_person
from rewards.errors import NotFoundError
from rewards.models import Epoch
from rewards.selectors.programs import epoch_get
from rewards.services.announcing import epoch_topic
from rewards.services.live_standings import snapshot
from rewards.services.news import hub
from rewards.views import access
from rewards.views.live.standings import shown
from rewards.views.of_maker import maker_or_404, refuse_maker

QUIET_S = 15.0
"""Without news a comment is sent this often: proxies keep the connection, and a reader that is gone is noticed."""
LONGEST_S = 3600.0
"""A stream ends after this and the page opens a new one, which asks again whether the person may look."""
ASK_AGAIN_S = 30.0
"""Before news is sent it is asked again this often who may look: a role, a maker or a session may be gone."""


@require_safe
async def scorecard_stream(request: HttpRequest, slug: str, program: str, number: int) -> HttpResponseBase:
    """Send a maker's standing in an epoch at once and whenever it changes, until the epoch is over."""
    answer = await sync_to_async(_asked)(request, slug, program=program, number=number)
    if isinstance(answer, HttpResponseBase):
        return answer
    response = StreamingHttpResponse(_lines(request, answer, slug), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    # Proxies of nginx's kind hold answers back otherwise.
    response["X-Accel-Buffering"] = "no"
    return response


def _asked(request: HttpRequest, slug: str, *, program: str, number: int) -> HttpResponseBase | int:
    """Return the epoch's id for who may look, else the answer for who may not."""
    try:
        who = maker_or_404(slug=slug)
        if not access.sees_maker(user=request.user, maker=who):
            return refuse_maker(request=request, maker=who)
        epoch = epoch_get(slug=program, number=number)
        if epoch.state == Epoch.State.SCHEDULED:
            raise Http404(f"Epoch {number} has not begun.")
        return epoch.pk
    except NotFoundError as error:
        raise Http404(str(error)) from error
    finally:
        # The stream stays open for long; the connection is for others meanwhile.
        if not connection.in_atomic_block:
            connection.close()


def _may_still_look(request: HttpRequest, slug: str) -> bool:
    """Ask the database anew: the request knows the person only as they were when the page was opened."""
    try:
        who = request.user
        person = session_person(person=who, session_key=request.session.session_key) if isinstance(who, User) else None
        return person is not None and access.sees_maker(user=person, maker=maker_or_404(slug=slug))
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
            text = json.dumps(shown(seen, maker=maker), separators=(",", ":"))
            if text != sent:
                yield f"event: standing\ndata: {text}\n\n"
                sent = text
            if seen.is_over:
                return
