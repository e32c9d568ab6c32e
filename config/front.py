"""What stands before Django in the application server: parts that answer what they can, and pass everything else on."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
HTTPS = b"https"


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """Return a request's headers; of those that are given several times, the values with commas between them."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        found[name] = found[name] + b"," + value if name in found else value
    return found


def takes_gzip(headers: dict[bytes, bytes]) -> bool:
    """Whether whoever asks unpacks gzip; one that says `q=0` of it does not, nor does one that says nothing."""
    for part in headers.get(b"accept-encoding", b"").split(b","):
        coding, _, weight = part.partition(b";")
        if coding.strip().lower() == b"gzip":
            return weight.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return False


def has_tag(headers: dict[bytes, bytes], tag: bytes) -> bool:
    """Whether If-None-Match names the tag; weak and strong ones count alike, as RFC 9110 13.1.2 has it."""
    given = headers.get(b"if-none-match", b"")
    if not given:
        return False
    own = tag.removeprefix(b"W/")
    return given.strip() == b"*" or own in (each.strip().removeprefix(b"W/") for each in given.split(b","))


async def answer(send: Send, *, status: int, headers: Headers, body: bytes = b"") -> None:
    """Send a whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
