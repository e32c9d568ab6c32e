"""One persistent HTTP connection to one provider: bytes out, bytes in, failures typed."""

import http.client
import socket
from typing import Protocol
from urllib.parse import urlsplit

from onchain.errors import (
    RpcForbiddenError,
    RpcLimitedError,
    RpcRangeTooLargeError,
    RpcUnreachableError,
)

# A gigabyte of logs is no answer that we asked for.
MAX_ANSWER_BYTES = 1 << 30


class Transport(Protocol):
    """Carries a JSON-RPC body to a provider and its answer back."""

    name: str

    def post(self, *, body: bytes, method: str, timeout_s: float) -> bytes:
        """Send `body`; `method` is for the error's sentence. Raises RpcError."""
        ...

    def close(self) -> None:
        """Give the connection up."""
        ...

    def clone(self) -> "Transport":
        """Return a transport to the same place with a connection of its own."""
        ...


class HttpTransport:
    """HTTP/1.1 with keep-alive. Not for use by two threads at once."""

    def __init__(self, *, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("An RPC URL begins with http:// or https:// and has a host")
        # Only the host is ever shown: a path or query may carry the provider's key.
        self.name = parts.hostname + (f":{parts.port}" if parts.port else "")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._connection: http.client.HTTPConnection | None = None

    def post(self, *, body: bytes, method: str, timeout_s: float) -> bytes:
        """Send `body` and return the answer's bytes; raises RpcError."""
        reused = self._connection is not None
        try:
            return self._exchange(body=body, method=method, timeout_s=timeout_s)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            self.close()
            if not reused:
                raise self._unreachable(method=method, error=error) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._unreachable(method=method, error=error) from error
        # The node had closed an idle connection; that says nothing of the node, so a fresh one gets one try.
        try:
            return self._exchange(body=body, method=method, timeout_s=timeout_s)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._unreachable(method=method, error=error) from error

    def close(self) -> None:
        """Close the connection; the next post opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def clone(self) -> "HttpTransport":
        """Return a transport to the same URL with a connection of its own."""
        return HttpTransport(url=self._url)

    def _exchange(self, *, body: bytes, method: str, timeout_s: float) -> bytes:
        connection = self._connect(timeout_s=timeout_s)
        connection.request("POST", self._path, body=body, headers={"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read(MAX_ANSWER_BYTES + 1)
        if len(answer) > MAX_ANSWER_BYTES:
            self.close()
            raise RpcRangeTooLargeError(provider=self.name, method=method, reason="the answer exceeds 1 GiB")
        if response.will_close:
            self.close()
        self._check_status(response.status, method=method)
        return answer

    def _connect(self, *, timeout_s: float) -> http.client.HTTPConnection:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            self._connection = kind(self._host, self._port, timeout=timeout_s)
            self._connection.connect()
            # Requests are one write each; waiting to fill a packet only delays the head.
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection.sock.settimeout(timeout_s)
        return self._connection

    def _check_status(self, status: int, *, method: str) -> None:
        reason = f"HTTP status {status}"
        if status == http.HTTPStatus.TOO_MANY_REQUESTS:
            raise RpcLimitedError(provider=self.name, method=method, reason=reason)
        if status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise RpcRangeTooLargeError(provider=self.name, method=method, reason=reason)
        if status in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
            raise RpcForbiddenError(provider=self.name, method=method, reason=reason)
        if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise RpcUnreachableError(provider=self.name, method=method, reason=reason)

    def _unreachable(self, *, method: str, error: Exception) -> RpcUnreachableError:
        reason = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        return RpcUnreachableError(provider=self.name, method=method, reason=reason)
