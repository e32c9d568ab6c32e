"""Posts to addresses that other people chose: only to the public internet, bounded in time and size, without redirects.

The address that a name resolves to is looked at and then connected to, so that a name can't become another machine
between the two (DNS rebinding).
"""

import contextlib
import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from rewards.errors import PostFailedError, WebhookUrlError

TIMEOUT_S = 15.0
"""For all of a post, from the name to the end of the answer (Standard Webhooks asks for 15 to 30 seconds)."""
MOST_BYTES = 16_384
SHOWN_CHARACTERS = 300
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint said: the HTTP status, and the beginning of its body as text."""

    status: int
    text: str

    @property
    def is_success(self) -> bool:
        """Any 2xx is a yes."""
        return 200 <= self.status < 300


def check_url(url: str, *, allow_private: bool) -> SplitResult:
    """Return the parts of an address that may be posted to. Raises WebhookUrlError.

    allow_private: also http and machines of the own network, for a service on one's own machine.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise WebhookUrlError(url=url, reason="it is not an address") from error
    schemes = ("https", "http") if allow_private else ("https",)
    if parts.scheme not in schemes or not parts.hostname:
        raise WebhookUrlError(url=url, reason=f"it has to begin with {' or '.join(f'{each}://' for each in schemes)}")
    if parts.username or parts.password:
        raise WebhookUrlError(url=url, reason="it must not carry a user name or password")
    if parts.fragment:
        raise WebhookUrlError(url=url, reason="it must not have a part behind #")
    if any(ord(each) <= 32 or ord(each) > 126 for each in url):
        raise WebhookUrlError(url=url, reason="it has blanks or letters that an address can't have")
    if not allow_private and port not in (None, 443, 8443):
        raise WebhookUrlError(url=url, reason="only the ports 443 and 8443 are posted to")
    return parts


def post(*, url: str, body: bytes, headers: Mapping[str, str], allow_private: bool) -> Answer:
    """Post a body and return the answer, whatever its status. Raises WebhookUrlError and PostFailedError."""
    parts = check_url(url, allow_private=allow_private)
    ends_at = time.monotonic() + TIMEOUT_S
    try:
        with contextlib.closing(_connect(parts, allow_private=allow_private, ends_at=ends_at)) as connection:
            connection.sendall(_request(parts, body=body, headers=headers))
            return _answer(_read(connection, ends_at=ends_at))
    except TimeoutError as error:
        raise PostFailedError(reason=f"No answer came within {TIMEOUT_S:g} seconds.") from error
    except ssl.SSLCertVerificationError as error:
        raise PostFailedError(reason=f"Its certificate is not good: {error.verify_message}.") from error
    except (OSError, http.client.HTTPException) as error:
        raise PostFailedError(reason=f"It could not be reached: {error}.") from error


def _connect(parts: SplitResult, *, allow_private: bool, ends_at: float) -> socket.socket:
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = [row[4][0] for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not allow_private and any(not _is_public(str(ip)) for ip in found):
        raise WebhookUrlError(
            url=parts.geturl(), reason="its name leads to a machine that is not on the public internet"
        )
    connection = socket.create_connection((str(found[0]), port), timeout=_left_s(ends_at))
    if parts.scheme == "http":
        return connection
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context.wrap_socket(connection, server_hostname=host)


def _is_public(text: str) -> bool:
    """Tell whether an address is on the public internet, also where it is an IPv4 address inside an IPv6 one."""
    ip = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return ip.is_global and not ip.is_multicast


def _request(parts: SplitResult, *, body: bytes, headers: Mapping[str, str]) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {target} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _read(connection: socket.socket, *, ends_at: float) -> bytes:
    """Read until the other side has said enough; one that sends a byte a second runs out of time all the same."""
    received = bytearray()
    while len(received) < MOST_BYTES:
        connection.settimeout(_left_s(ends_at))
        part = connection.recv(4096)
        if not part:
            break
        received += part
        if _is_whole(received):
            break
    return bytes(received)


def _is_whole(received: bytearray) -> bool:
    head, end, rest = bytes(received).partition(b"\r\n\r\n")
    if not end:
        return False
    length = [line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(length) and length[0].strip().isdigit() and len(rest) >= int(length[0])


def _answer(received: bytes) -> Answer:
    if not received:
        raise PostFailedError(reason="It closed the connection without an answer.")
    response = http.client.HTTPResponse(_Received(received))  # type: ignore[arg-type] # it only asks for a file
    response.begin()
    try:
        text = response.read()
    except http.client.IncompleteRead as error:
        text = error.partial
    shown = text[: SHOWN_CHARACTERS * 4].decode("utf-8", "replace").replace("\x00", "")
    return Answer(response.status, shown[:SHOWN_CHARACTERS])


class _Received:
    """What http.client needs of a socket: a file of the bytes that came."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, _mode: str) -> io.BytesIO:
        """Return the bytes as a file."""
        return io.BytesIO(self._received)


def _left_s(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
