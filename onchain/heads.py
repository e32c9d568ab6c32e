"""Notices new blocks: by a WebSocket subscription where a node offers one, else by asking again and again.

Also takes in the finer time stamps of nodes that stream mini-blocks: no later call returns them.
Source: MegaETH, Realtime API, eth_subscribe (newHeads, miniBlocks; stamps in microseconds, an idle connection is closed
after 30 seconds).
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from onchain.jsondepth import is_too_deep

logger = logging.getLogger(__name__)
KEEP_ALIVE_S = 20.0
RECONNECT_S = 5.0
OPEN_TIMEOUT_S = 5.0
MAX_MESSAGE_BYTES = 64 << 20
BLOCKS_KEPT = 4096
HEADS, MINI_BLOCKS = "newHeads", "miniBlocks"


@dataclass(slots=True)
class LiveTimes:
    """The first and last mini-block's stamps of recent blocks, in microseconds, by block number."""

    _stamps: dict[int, tuple[int, int]] = field(default_factory=dict)

    def of(self, number: int) -> tuple[int, int] | None:
        """Return (time_ms, error_ms) of a block; None when its first mini-block was not seen."""
        stamps = self._stamps.get(number)
        if stamps is None:
            return None
        first_us, last_us = stamps
        return first_us // 1000, last_us // 1000 - first_us // 1000 + 1

    def take(self, mini: dict[str, Any]) -> None:
        """Take one mini-block in; one that is malformed is left out, as are those of a block begun unseen."""
        try:
            number, index = _number(mini["block_number"]), _number(mini["index"])
            stamp_us = _number(mini["mini_block_timestamp"])
        except (KeyError, TypeError, ValueError, OverflowError):
            return
        if index == 0:
            self._stamps[number] = (stamp_us, stamp_us)
            while len(self._stamps) > BLOCKS_KEPT:
                del self._stamps[next(iter(self._stamps))]
        elif number in self._stamps:
            self._stamps[number] = (self._stamps[number][0], max(stamp_us, self._stamps[number][1]))


class HeadWatch:
    """Waits for new heads. Use as a context manager.

    `url`: ws:// or wss://; None polls only. `poll_s`: how often to ask where no subscription says when to.
    """

    def __init__(self, *, url: str | None, poll_s: float, live: LiveTimes | None = None) -> None:
        self.live = live if live is not None else LiveTimes()
        self.subscribed = False
        self._url, self._poll_s = url, poll_s
        self._new, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._listen, name="heads", daemon=True)

    def __enter__(self) -> HeadWatch:
        if self._url is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._url is not None:
            self._thread.join(timeout=OPEN_TIMEOUT_S + 2)

    def wait(self, *, longest_s: float) -> bool:
        """Return once a new head was announced, or it is time to ask; True when it was announced."""
        announced = self._new.wait(longest_s if self.subscribed else min(self._poll_s, longest_s))
        self._new.clear()
        return announced

    def wake(self) -> None:
        """End a wait, as a new head would."""
        self._new.set()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                with connect(
                    str(self._url), open_timeout=OPEN_TIMEOUT_S, close_timeout=1, max_size=MAX_MESSAGE_BYTES
                ) as socket:
                    self._follow(socket)
            except (OSError, WebSocketException, ValueError) as error:
                logger.info("No subscription to new heads, asking every %s s instead: %s", self._poll_s, error)
            self.subscribed = False
            self._new.set()
            self._stop.wait(RECONNECT_S)

    def _follow(self, socket: ClientConnection) -> None:
        pending = {0: HEADS, 1: MINI_BLOCKS}
        for number, kind in pending.items():
            socket.send(_request(number, "eth_subscribe", [kind]))
        kinds: dict[str, str] = {}
        alive_at = time.monotonic()
        while not self._stop.is_set():
            if time.monotonic() - alive_at > KEEP_ALIVE_S:
                socket.send(_request(2, "eth_chainId", []))
                alive_at = time.monotonic()
            message = _received(lambda: socket.recv(timeout=0.5))
            if message is None:
                continue
            if message.get("id") in (0, 1):
                self._answered(message, pending[message["id"]], kinds)
            elif message.get("method") == "eth_subscription":
                self._notified(message.get("params"), kinds)

    def _answered(self, message: dict[str, Any], kind: str, kinds: dict[str, str]) -> None:
        if isinstance(message.get("result"), str):
            kinds[message["result"]] = kind
            self.subscribed = self.subscribed or kind == HEADS
            # A head may have come between the last question and the subscription.
            self._new.set()
        else:
            logger.info("The node offers no subscription to %s", kind)

    def _notified(self, params: Any, kinds: dict[str, str]) -> None:
        if not isinstance(params, dict):
            return
        kind, result = kinds.get(str(params.get("subscription"))), params.get("result")
        if kind == HEADS:
            self._new.set()
        elif kind == MINI_BLOCKS and isinstance(result, dict):
            self.live.take(result)


def websocket_url(url: str) -> str:
    """Return the WebSocket address of a node that serves both on one port, as anvil and reth do."""
    return "ws" + url.removeprefix("http")


def _request(number: int, method: str, params: list[str]) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def _received(receive: Callable[[], str | bytes]) -> dict[str, Any] | None:
    """Return the next message; None for none yet, and for one that means nothing: the subscription goes on."""
    try:
        raw = receive()
        message = None if is_too_deep(raw if isinstance(raw, bytes) else raw.encode()) else json.loads(raw)
    except (TimeoutError, ValueError):
        return None
    return message if isinstance(message, dict) else None


def _number(value: Any) -> int:
    """Read a quantity: hexadecimal, or a plain number as earlier releases of the API sent them."""
    return int(value, 16) if isinstance(value, str) else int(value)
