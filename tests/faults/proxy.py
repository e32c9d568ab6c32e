"""A provider that lies, lags, limits and breaks off: an HTTP proxy in front of a real node, faulty when told to be."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Call = dict[str, Any]


@dataclass
class Reply:
    """What the proxy sends back; `hold_s` before it does."""

    body: bytes
    status: int = 200
    hold_s: float = 0.0
    cut: bool = False
    """Say that more bytes come than do."""


Fault = Callable[[list[Call], list[dict[str, Any]]], Reply | None]
"""Gets the calls of a request and the node's true answers, which it may change in place; None: send those."""


@dataclass
class LyingProxy:
    """Serves at `url`. `fault` is asked at every request; `hits` counts requests that it touched."""

    upstream: str
    fault: Fault | None = None
    is_gone: bool = False
    """Nobody is there: connections are cut without an answer."""
    requests: int = 0
    hits: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _woken: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> LyingProxy:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                proxy._serve(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._woken.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if self.is_gone:
            self.hits += 1
            handler.close_connection = True
            return
        asked = json.loads(body)
        calls = asked if isinstance(asked, list) else [asked]
        answer = json.loads(self._forward(body))
        answers = answer if isinstance(answer, list) else [answer]
        with self._lock:
            self.requests += 1
            before = json.dumps(answers)
            reply = self.fault(calls, answers) if self.fault else None
            self.hits += reply is not None or json.dumps(answers) != before
        if reply is None:
            reply = Reply(json.dumps(answers if isinstance(asked, list) else answers[0]).encode())
        if reply.hold_s:
            self._woken.wait(reply.hold_s)
        self._send(handler, reply)

    def _send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        try:
            handler.send_response(reply.status)
            handler.send_header("Content-Length", str(len(reply.body) + (100 if reply.cut else 0)))
            if reply.cut:
                handler.send_header("Connection", "close")
                handler.close_connection = True
            handler.end_headers()
            handler.wfile.write(reply.body)
        except OSError:
            pass  # whoever asked has given up waiting, as it was meant to

    def _forward(self, body: bytes) -> bytes:
        parts = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        try:
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            return connection.getresponse().read()
        finally:
            connection.close()
