"""Fetches the next ranges of blocks while the ones before them are stored: a few threads, a bounded number ahead.

The threads spend their time waiting for the node and in compiled code, both without Python's lock.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from onchain.fetch import FetchedRange, fetch_whole
from onchain.rpc import RpcClient

THREADS = 2
RANGES_AHEAD = 3
"""Back-pressure: with so many ranges fetched and not stored yet, nothing more is asked for."""
TARGET_BYTES = 6 << 20
"""What one range's receipts should measure; memory holds a few times that, whatever the chain is like."""
FIRST_BLOCKS = 16


class Pipeline:
    """An iterator over blocks [first, last] in order, in ranges sized by what came before. Close it after use."""

    def __init__(self, client: RpcClient, *, first: int, last: int, addresses: frozenset[str], max_blocks: int) -> None:
        self._next, self._last, self._addresses = first, last, addresses
        self._max_blocks, self._blocks = max_blocks, min(FIRST_BLOCKS, max_blocks)
        self._clients: queue.SimpleQueue[RpcClient] = queue.SimpleQueue()
        for _ in range(THREADS):
            self._clients.put(client.clone())
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="fetch")
        self._ahead: deque[Future[list[FetchedRange]]] = deque()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the threads and close their connections."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        with suppress(queue.Empty):
            while True:
                self._clients.get_nowait().close()

    def __iter__(self) -> Iterator[FetchedRange]:
        """Yield the ranges in order; raises what fetch_range raises, after which the pipeline is of no further use."""
        self._fill()
        while self._ahead:
            pieces = self._ahead.popleft().result()
            self._learn(pieces)
            self._fill()
            yield from pieces

    def _fill(self) -> None:
        while self._next <= self._last and len(self._ahead) < RANGES_AHEAD:
            first, last = self._next, min(self._last, self._next + self._blocks - 1)
            self._ahead.append(self._pool.submit(self._fetch, first, last))
            self._next = last + 1

    def _fetch(self, first: int, last: int) -> list[FetchedRange]:
        client = self._clients.get()
        try:
            return fetch_whole(client, first=first, last=last, addresses=self._addresses)
        finally:
            self._clients.put(client)

    def _learn(self, pieces: list[FetchedRange]) -> None:
        """Size the next ranges so that they measure TARGET_BYTES, and are no larger than what was not refused."""
        per_block = max(1, sum(piece.size for piece in pieces) // sum(len(piece.headers) for piece in pieces))
        fits = TARGET_BYTES // per_block
        grown = 2 * self._blocks if len(pieces) == 1 else max(len(piece.headers) for piece in pieces)
        self._blocks = max(1, min(fits, grown, self._max_blocks))
