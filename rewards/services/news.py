"""One connection of this process listens to the database and wakes whoever waits for a topic; nothing is polled.

Readers are woken, not fed: one that is slow finds the newest state when it comes round, and misses nothing that
still counts. After a lost connection everybody is woken, since something may have been missed. When the web server is
told to stop everybody is woken a last time and finds `is_over`, so that no open page holds its end up.
"""

import asyncio
import logging
import signal
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import FrameType
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql

from rewards.services.announcing import CHANNEL

logger = logging.getLogger(__name__)
RECONNECT_S = 1.0


class Reader:
    """Waits for news of a topic. newest: when the last news came, by `time.monotonic`."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self.newest = 0.0
        self.wake()

    def wake(self) -> None:
        """Say that there is news."""
        self.newest = time.monotonic()
        self._news.set()

    async def wait(self, *, timeout_s: float) -> bool:
        """Wait for news that has not been waited for; False when there was none in time."""
        try:
            await asyncio.wait_for(self._news.wait(), timeout=timeout_s)
        except TimeoutError:
            return False
        self._news.clear()
        return True


class Hub:
    """Wakes readers by topic. Belongs to one event loop; the listener runs while there are readers.

    is_over: this process is about to end, and readers are to go.
    """

    def __init__(self) -> None:
        self.is_over = False
        self._readers: dict[str, set[Reader]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None
        self.readers_open = 0

    @asynccontextmanager
    async def reader(self, topic: str) -> AsyncIterator[Reader]:
        """Give a reader that is woken whenever the topic has news, and at once."""
        news = Reader()
        self._readers[topic].add(news)
        self.readers_open += 1
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        try:
            yield news
        finally:
            self._readers[topic].discard(news)
            self.readers_open -= 1
            if not self._readers[topic]:
                del self._readers[topic]
            if not self._readers and self._listener is not None:
                self._listener.cancel()
                self._listener = None

    def close(self) -> None:
        """Send every reader home."""
        self.is_over = True
        self._wake(*self._readers)

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (psycopg.Error, OSError) as error:
                logger.warning("Open pages are not told of news for a moment: %s", error)
            await asyncio.sleep(RECONNECT_S)

    async def _listen_once(self) -> None:
        connection = await psycopg.AsyncConnection.connect(**_parameters(), autocommit=True)
        try:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            # What was said before this connection listened is in the database by now.
            self._wake(*self._readers)
            async for notice in connection.notifies():
                self._wake(notice.payload)
        finally:
            with suppress(psycopg.Error):
                await connection.close()

    def _wake(self, *topics: str) -> None:
        for topic in topics:
            for news in self._readers.get(topic, ()):
                news.wake()


def _parameters() -> dict[str, Any]:
    """Return how Django's default connection is made, without what only its cursors use."""
    given = connections["default"].get_connection_params()
    return {
        name: value for name, value in given.items() if name not in ("cursor_factory", "context", "prepare_threshold")
    }


_hubs: dict[int, Hub] = {}


def hub() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if id(loop) not in _hubs:
        _hubs[id(loop)] = Hub()
        _close_at_the_end(_hubs[id(loop)], loop)
    return _hubs[id(loop)]


def _close_at_the_end(made: Hub, loop: asyncio.AbstractEventLoop) -> None:
    """Close a hub at SIGTERM, before the web server's own handler waits for its connections to end."""
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        return

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(made.close)
        before(number, frame)

    signal.signal(signal.SIGTERM, stop)


def readers_open() -> int:
    """Return how many readers this process has, from any thread."""
    return sum(each.readers_open for each in list(_hubs.values()))
