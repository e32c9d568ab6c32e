"""A fast, ordered line to the local chain: requests are pipelined on one connection and answered in order.

A JSON-RPC batch won't do: the local chain works on the calls of a batch side by side, and a block must not be mined
before the transactions that belong in it. Nothing is retried, since mining twice is not the same as mining once.
"""

import json
import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from rewards.demo.errors import ChainCallError, ChainGoneError

Call = tuple[str, list[Any]]
WINDOW = 64
"""So many requests may wait for their answers: more would fill the sockets' buffers on both sides."""


class Node:
    """A connection to anvil at `url` (http, loopback). For one thread; a context manager."""

    def __init__(self, *, url: str, timeout_s: float = 120.0) -> None:
        self.url = url
        parts = urlsplit(url)
        self._host = f"{parts.hostname}:{parts.port}"
        try:
            self._socket = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 8545), timeout_s)
        except OSError as error:
            raise ChainGoneError(url=url, reason=str(error)) from error
        # A request is small and the next waits for nothing: Nagle's delay would cost more than the call.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")

    def call(self, method: str, *params: Any) -> Any:
        """Return one call's result; raises ChainCallError or ChainGoneError."""
        return self.pipeline([(method, list(params))])[0]

    def pipeline(self, calls: Sequence[Call]) -> list[Any]:
        """Return the results of calls that the chain works on strictly one after the other."""
        results: list[Any] = []
        for start in range(0, len(calls), WINDOW):
            part = calls[start : start + WINDOW]
            try:
                self._socket.sendall(b"".join(self._request(method, params) for method, params in part))
                answers = [self._answer() for _ in part]
            except (OSError, ValueError) as error:
                raise ChainGoneError(url=self.url, reason=str(error) or type(error).__name__) from error
            for (method, _), answer in zip(part, answers, strict=True):
                if "error" in answer:
                    raise ChainCallError(method=method, reason=str(answer["error"].get("message", answer["error"])))
                results.append(answer["result"])
        return results

    def close(self) -> None:
        """Hang up."""
        self._answers.close()
        self._socket.close()

    def __enter__(self) -> "Node":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _request(self, method: str, params: list[Any]) -> bytes:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        head = (
            f"POST / HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _answer(self) -> Any:
        length = 0
        while line := self._answers.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not length:
            raise ValueError("it hung up")
        return json.loads(self._answers.read(length))
