"""A load generator that costs little: connections that are kept, requests written beforehand, one event loop."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Load:
    """What came back. latencies_ms: of every answer, in no order. seconds: how long it was asked.

    tags: which ETags came for whose requests.
    """

    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    size_bytes: int = 0
    tags: set[tuple[int, bytes]] = field(default_factory=set)

    @property
    def a_second(self) -> float:
        """Answers a second."""
        return len(self.latencies_ms) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """Return the time that so many per cent of answers did not exceed."""
        found = sorted(self.latencies_ms)
        return found[min(len(found) - 1, int(len(found) * percent / 100))]


class _Client(asyncio.Protocol):
    """One connection: sends its requests in turn, the next when the last is answered."""

    def __init__(self, requests: Sequence[bytes], load: Load, ends_at: float, done: asyncio.Future[None]) -> None:
        self._requests, self._load, self._ends_at, self._done = requests, load, ends_at, done
        self._next, self._got, self._wanted, self._begun = 0, bytearray(), 0, 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._wanted:
            head = self._got.find(b"\r\n\r\n")
            if head < 0:
                return
            self._wanted = head + 4 + _length(bytes(self._got[: head + 2]))
            _, _, tag = bytes(self._got[: head + 2]).lower().partition(b"\r\netag:")
            self._load.tags.add((id(self._requests), tag.partition(b"\r\n")[0]))
        if len(self._got) < self._wanted:
            return
        now = time.perf_counter()
        self._load.latencies_ms.append((now - self._begun) * 1000)
        self._load.statuses[int(self._got[9:12])] += 1
        self._load.size_bytes += self._wanted
        self._got.clear()
        self._wanted = 0
        if now >= self._ends_at:
            self._transport.close()
        else:
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._got or (exc is not None):
            self._load.statuses[0] += 1
        if not self._done.done():
            self._done.set_result(None)

    def _ask(self) -> None:
        request = self._requests[self._next % len(self._requests)]
        self._next += 1
        self._begun = time.perf_counter()
        self._transport.write(request)


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at < 0:
        if b" 304 " in lower[:15]:
            return 0
        raise ValueError(f"an answer without a length: {head[:200]!r}")
    return int(lower[at + 17 : lower.find(b"\r\n", at + 17)])


def request_bytes(path: str, *, host: str, **headers: str) -> bytes:
    """Write a GET request; names of headers have _ for -."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def run(url: str, requests_of: Sequence[Sequence[bytes]], *, seconds: float) -> Load:
    """Ask for so long, one connection for each list of requests."""
    parts = urlsplit(url)
    load = Load()

    async def all_of_them() -> None:
        loop = asyncio.get_running_loop()
        begun = time.perf_counter()
        waits = []
        for requests in requests_of:
            done: asyncio.Future[None] = loop.create_future()
            client = _Client(requests, load, begun + seconds, done)
            await loop.create_connection(lambda client=client: client, parts.hostname, parts.port)
            waits.append(done)
        await asyncio.wait_for(asyncio.gather(*waits), seconds + 60)
        load.seconds = time.perf_counter() - begun

    asyncio.run(all_of_them())
    return load


def cpu_s(pid: int) -> float:
    """Return the processor's time of a process and its children that have ended, in seconds."""
    with open(f"/proc/{pid}/stat") as handle:
        fields = handle.read().rpartition(")")[2].split()
    return sum(int(each) for each in fields[11:15]) / os.sysconf("SC_CLK_TCK")
