"""Proof packs straight from their files, before Django: everybody's wallet may come in the minute after an approval.

Answers what `rewards.views.proofs` answers, for files that are there; whatever else is asked goes on to Django. A pack
never changes under its root, so its tag is the root's. Which root pays is asked of the database once a second.
"""

import asyncio
import re
import time
from pathlib import Path
from typing import Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error, connection

from config.front import Application, Headers, Receive, Scope, Send, answer, has_tag, headers_of, takes_gzip
from rewards.models import Epoch

FRESH_S: Final = 60
"""A new root takes effect with a block: nobody should hold the old file for longer than this."""
FOREVER_S: Final = 31_536_000
KNOWN_S: Final = 1.0
_PATH: Final = re.compile(
    r"/proofs/(?P<slug>[-a-zA-Z0-9_]{1,100})/(?:(?P<root>0x[0-9a-f]{64})/)?(?P<account>0x[0-9a-fA-F]{40})\.json"
)


class Packs:
    """Answers for proof packs; `inner` answers all else."""

    def __init__(self, inner: Application) -> None:
        self._inner = inner
        self._paying: dict[str, tuple[float, str]] = {}
        self._asking = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pack, or hand the request on."""
        if scope["type"] == "http" and scope["method"] == "GET" and (match := _PATH.fullmatch(scope["path"])):
            headers = headers_of(scope)
            if _is_safe(scope, headers):
                slug, account = match["slug"], match["account"].lower()
                root, cache = match["root"], f"public, max-age={FOREVER_S}, immutable"
                if root is None:
                    root, cache = await self._root(slug), f"public, max-age={FRESH_S}"
                found = _pack(slug, root, account, headers, cache) if root else None
                if found is not None:
                    await answer(send, status=found[0], headers=found[1], body=found[2])
                    return
        await self._inner(scope, receive, send)

    async def _root(self, slug: str) -> str:
        """Return the root that pays in a programme, empty without one; what was asked a second ago still counts."""
        known = self._paying.get(slug)
        if known is not None and time.monotonic() - known[0] < KNOWN_S:
            return known[1]
        async with self._asking:
            known = self._paying.get(slug)
            if known is None or time.monotonic() - known[0] >= KNOWN_S:
                root = await sync_to_async(_paying_root, thread_sensitive=False)(slug)
                if not root:
                    # Names that nobody has must not fill the memory.
                    self._paying.pop(slug, None)
                    return ""
                known = self._paying[slug] = (time.monotonic(), root)
        return known[1]


def _paying_root(slug: str) -> str:
    try:
        found = Epoch.objects.filter(program__slug=slug, state=Epoch.State.ACTIVE).order_by("-number")
        return found.values_list("root", flat=True).first() or ""
    except Error:
        return ""  # Django says what is wrong
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
