"""Proof packs straight from their files, before Django: everybody's wallet may come in the minute after an approval.

Answers what `rewards.views.proofs` answers, for files that are there; whatever else is asked goes on to Django. A pack
never changes under its root, so its tag is the root's. Which roots pay is asked of the database once a second,
for all programmes at once, so that names that nobody has cost nothing.
"""

import asyncio
import logging
import math
import re
import time
from pathlib import Path
from typing import Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error, connection

from config.front import Application, Headers, Receive, Scope, Send, answer, has_tag, headers_of, takes_gzip
from rewards.models import Epoch
from rewards.services.answered import Answered

logger = logging.getLogger(__name__)
FRESH_S: Final = 60
"""A new root takes effect with a block: nobody should hold the old file for longer than this."""
FOREVER_S: Final = 31_536_000
KNOWN_S: Final = 1.0
LAST_KNOWN_S: Final = 60.0
"""While the database does not answer, what it said last still counts for this long."""
_PATH: Final = re.compile(
    r"/proofs/(?P<slug>[-a-zA-Z0-9_]{1,100})/(?:(?P<root>0x[0-9a-f]{64})/)?(?P<account>0x[0-9a-fA-F]{40})\.json"
)


class Packs:
    """Answers for proof packs; `inner` answers all else."""

    def __init__(self, inner: Application) -> None:
        self._inner = inner
        self._paying: dict[str, str] = {}
        self._asked_at = self._answered_at = -math.inf
        self._asking = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pack, or hand the request on."""
        if scope["type"] == "http" and scope["method"] == "GET" and (match := _PATH.fullmatch(scope["path"])):
            answered, headers = Answered(scope), headers_of(scope)
            if _is_safe(scope, headers):
                slug, account = match["slug"], match["account"].lower()
                root, cache = match["root"], f"public, max-age={FOREVER_S}, immutable"
                if root is None:
                    root, cache = await self._root(slug), f"public, max-age={FRESH_S}"
                found = _pack(slug, root, account, headers, cache) if root else None
                if found is not None:
                    own = answered.header(headers)
                    await answer(send, status=found[0], headers=[*found[1], own], body=found[2])
                    answered.done(route="proof-of-root" if match["root"] else "proof", status=found[0])
                    return
        await self._inner(scope, receive, send)

    async def _root(self, slug: str) -> str:
        """Return the root that pays in a programme, empty without one; what was asked a second ago still counts."""
        if not self._is_fresh():
            async with self._asking:
                if not self._is_fresh():
                    await self._ask()
        return self._paying.get(slug, "")

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._asked_at < KNOWN_S

    async def _ask(self) -> None:
        try:
            self._paying = await sync_to_async(_paying_roots, thread_sensitive=False)()
            self._answered_at = time.monotonic()
        except Error as error:
            if time.monotonic() - self._answered_at >= LAST_KNOWN_S:
                self._paying = {}  # Django says what is wrong
            logger.warning("Which roots pay can't be asked; what was known stands for a minute: %s", error)
        self._asked_at = time.monotonic()


def _paying_roots() -> dict[str, str]:
    """Return the root that pays by programme's slug. Raises the database's errors."""
    try:
        found = Epoch.objects.filter(state=Epoch.State.ACTIVE).order_by("program_id", "-number")
        return dict(found.distinct("program_id").values_list("program__slug", "root"))
    finally:
        # This thread belongs to nobody's request, so nobody else gives the connection back.
        connection.close()


def _is_safe(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    """Whether the request came as production asks for; Django leads the others there."""
    return (
        not settings.SECURE_SSL_REDIRECT
        or scope.get("scheme") == "https"
        or headers.get(b"x-forwarded-proto") == b"https"
    )


def _pack(
    slug: str, root: str, account: str, headers: dict[bytes, bytes], cache: str
) -> tuple[int, Headers, bytes] | None:
    """Return status, headers and body; None where there is no such file."""
    # Slug, root and account are of fixed forms; no path can come of them.
    path = Path(settings.PROOFS_DIR) / slug / root / f"{account}.json"
    body, packed = None, takes_gzip(headers)
    if packed:
        body = _read(path.with_name(f"{path.name}.gz"))
    if body is None:
        packed, body = False, _read(path)
    if body is None:
        return None
    tag = f'"{root}.gz"'.encode() if packed else f'"{root}"'.encode()
    sent: Headers = [(b"etag", tag), (b"cache-control", cache.encode()), *_FIXED, *_safety()]
    if has_tag(headers, tag):
        return 304, sent, b""
    sent += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if packed:
        sent.append((b"content-encoding", b"gzip"))
    return 200, sent, body


_FIXED: Final[Headers] = [
    (b"vary", b"Accept-Encoding"),
    # Any page may fetch it: all of it is public, and a wallet's page is not ours.
    (b"access-control-allow-origin", b"*"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'"),
]


def _safety() -> Headers:
    if not settings.SECURE_HSTS_SECONDS:
        return []
    return [(b"strict-transport-security", f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains".encode())]


def _read(path: Path) -> bytes | None:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return None
