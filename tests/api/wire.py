"""A wire between a client and the real server that a test can cut, also in the middle of an event."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Wire:
    """Carries bytes to `port` and back. asked: the first line of each request; events: how many have come back."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self.events = 0
        self.breaks_next_event = False
        self._to = ("127.0.0.1", port)
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._serve()

    def cut(self) -> None:
        """Cut all that is open; what comes next gets through again."""
        while self._open:
            _end(self._open.pop())

    def down(self) -> None:
        """Cut all, and let nobody in."""
        _end(self._listener)
        self._thread.join()
        self.cut()

    def up(self) -> None:
        """Let everybody in again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._serve()

    def live(self) -> int:
        """How often the stream was asked for."""
        return sum("/live " in line for line in self.asked)

    def _serve(self) -> None:
        self._thread = threading.Thread(target=self._accept, args=[self._listener])
        self._thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._to)
                self._open += [near, far]
                for come, go, see in ((near, far, self._request), (far, near, self._answer)):
                    threading.Thread(target=_carry, args=[come, go, see]).start()

    def _request(self, data: bytes) -> bytes:
        self.asked.append(data.partition(b"\r\n")[0].decode())
        return data

    def _answer(self, data: bytes) -> bytes:
        at = data.find(b"data: ")
        if at >= 0:
            if self.breaks_next_event:
                self.breaks_next_event = False
                # Half of it gets through; the pump ends with an error of its own.
                raise _BrokenError(data[: at + (len(data) - at) // 2])
            self.events += 1
        return data


class _BrokenError(Exception):
    """So much gets through, and then the wire breaks."""


def _carry(come: socket.socket, go: socket.socket, see: Callable[[bytes], bytes]) -> None:
    with suppress(OSError):
        while data := come.recv(1 << 16):
            try:
                go.sendall(see(data))
            except _BrokenError as broken:
                go.sendall(broken.args[0])
                break
    _end(come)
    _end(go)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def wired(port: int) -> Iterator[Wire]:
    """Give a wire to the server on `port`, and take it down afterwards."""
    wire = Wire(port)
    try:
        yield wire
    finally:
        wire.down()
