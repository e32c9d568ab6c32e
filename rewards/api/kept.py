"""Answers that programs ask for again and again, kept as they were sent, and sent again while they still hold.

It stands before Django. Scores and allocations change only when an epoch's figures do, so an answer is kept together
with their version (rewards.selectors.versions), which the view notes before it reads them. Each time it is asked
anew, of the database: who asks, whether they may see this maker, whether the version is the same; and the request
counts against the limit. Whatever is not as plain as that goes on to Django.
"""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from config.front import Application, Headers, Message, Receive, Scope, Send, answer, has_tag, headers_of, takes_gzip
from config.logs.requests import HEADER as REQUEST_ID
from rewards.api.keptcheck import Claim, Permit, allowed
from rewards.api.keptstore import Asked, Kept, Store
from rewards.selectors.versions import figures_version
from rewards.services.answered import Answered

NOTED: Final = "lamplight.version"
"""Where the view leaves the version, in the scope of the request."""
MOST_AT_ONCE: Final = 100
_PATH: Final = re.compile(
    r"/api/v1/makers/(?P<maker>[-a-zA-Z0-9_]{1,100})/programmes/(?P<programme>[-a-zA-Z0-9_]{1,100})"
    r"/epochs/(?P<number>[0-9]{1,9})/(?P<table>scores|allocations)"
)
_OF_ONE_REQUEST: Final = frozenset({b"ratelimit", b"ratelimit-policy", REQUEST_ID.lower().encode(), b"set-cookie"})
_OF_THE_BODY: Final = frozenset({b"content-type", b"content-length", b"content-encoding"})


def note_version(request: Any, path: dict[str, Any]) -> None:
    """Have a view's answer kept: say which version of the figures it is about to read, or an older one."""
    scope = getattr(request._request, "scope", None)
    # What is larger is no epoch's number, nor one of the database's.
    if scope is not None and path["number"] < 2**31:
        scope[NOTED] = figures_version(programme=path["programme"], number=path["number"])


class KeptAnswers:
    """Sends kept answers; `inner` gives those that are not kept. most_bytes: of all that is kept; 0 keeps none."""

    def __init__(self, inner: Application, *, most_bytes: int) -> None:
        self._inner, self._is_on = inner, most_bytes > 0
        self.store = Store(most_bytes=most_bytes)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kept")
        self._waiting: list[tuple[Claim, asyncio.Future[Permit | None]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what is kept, or hand the request on and keep what comes back."""
        is_get = self._is_on and scope["type"] == "http" and scope["method"] == "GET"
        match = _PATH.fullmatch(scope["path"]) if is_get else None
        answered, headers = Answered(scope), headers_of(scope) if match else {}
        if match is None or b"authorization" not in headers:
            await self._inner(scope, receive, send)
            return
        asked = Asked(
            scope["path"], scope["query_string"], headers.get(b"host", b""), scope.get("scheme", ""),
            headers.get(b"x-forwarded-proto", b""), headers.get(b"accept", b""), takes_gzip(headers),
        )  # fmt: skip
        if (kept := self.store.get(asked)) is not None:
            ip = scope["client"][0] if scope.get("client") else None
            permit = await self._permit(
                Claim(headers[b"authorization"], ip, match[1], match[2], int(match[3]), kept.version)
            )
            if permit is not None:
                status = await _send(send, kept, [*permit.headers(), answered.header(headers)], headers)
                answered.done(route=f"api:{match['table']}", status=status, user_id=permit.person)
                return
        await self._inner(scope, receive, self._watched(send, scope, asked))

    async def _permit(self, claim: Claim) -> Permit | None:
        """Return who asks with what is left to them, None when the answer is not to be sent.

        Those who wait at the same time are asked together.
        """
        future: asyncio.Future[Permit | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((claim, future))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await future

    async def _ask(self) -> None:
        while self._waiting:
            now, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            found: list[Permit | None] = [None] * len(now)
            try:
                claims = [claim for claim, _ in now]
                found = await asyncio.get_running_loop().run_in_executor(self._thread, allowed, claims)
            finally:
                for (_, future), permit in zip(now, found, strict=True):
                    if not future.done():
                        future.set_result(permit)

    def _watched(self, send: Send, scope: Scope, asked: Asked) -> Send:
        """Return a `send` that keeps a good answer on its way."""
        start: Message = {}
        parts: list[bytes] = []

        async def watched(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                start.update(message)
            elif start.get("status") == 200 and scope.get(NOTED):
                parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    self._keep(asked, scope, start["headers"], b"".join(parts))

        return watched

    def _keep(self, asked: Asked, scope: Scope, headers: Headers, body: bytes) -> None:
        sent = [(name.lower(), value) for name, value in headers if name.lower() not in _OF_ONE_REQUEST]
        tag = dict(sent).get(b"etag")
        # Whatever stands behind: who does not unpack never gets what was packed for somebody else.
        is_fit = asked.packed or b"content-encoding" not in dict(sent)
        if tag is not None and is_fit:
            self.store.put(asked, Kept(scope[NOTED], sent, tag, body))


async def _send(send: Send, kept: Kept, own: Headers, headers: dict[bytes, bytes]) -> int:
    """Send what is kept, with headers of this answer's own; returns the status."""
    if has_tag(headers, kept.tag):
        bare = [pair for pair in kept.headers if pair[0] not in _OF_THE_BODY]
        await answer(send, status=304, headers=[*bare, *own])
        return 304
    await answer(send, status=200, headers=[*kept.headers, *own], body=kept.body)
    return 200
