"""The client: one object for one server and key, with a method for each route of the API."""

import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar

import httpx

from lamplight_client.decode import decode
from lamplight_client.following import Following
from lamplight_client.http import Http, Patience, Query, seg
from lamplight_client.routes import Routes
from lamplight_client.rows import Standing, WhatIfAnswer
from lamplight_client.tables import Rows

T = TypeVar("T")
FINAL = ("done", "failed", "cancelled")


class Lamplight(Routes):
    """A Lamplight service. Use it in a `with`, or call `close`.

    base_url: the service's address, such as https://lamplight.example. key: an API key, for what is not for everybody.
    tries, longest_wait_s: how often a request is tried when the service is busy or away, and the longest pause before
    a try; when the service asks for a longer one, TooManyRequestsError is raised at once.

    Raises LamplightError and its kinds, InsecureAddressError when a key would travel without encryption.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: str | None = None,
        timeout_s: float = 30.0,
        tries: int = 4,
        longest_wait_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = Http(
            base_url, key=key, timeout_s=timeout_s, patience=Patience(tries, longest_wait_s), transport=transport,
            sleep=sleep,
        )  # fmt: skip

    def __enter__(self) -> "Lamplight":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def live(self, maker: str, programme: str, number: int) -> Iterator[Standing]:
        """Give a maker's standing at once and whenever it changes, until the epoch is over.

        A connection that ends or breaks is opened again, after as long as the service says and twice that for each
        further break, up to `longest_wait_s`; what it missed meanwhile is in the standing that it gives next. Raises
        ConnectionFailedError after `tries` breaks in a row, and at once what the service refuses, such as
        KeyRefusedError for a key that was revoked.
        """
        path = f"makers/{seg(maker)}/programmes/{seg(programme)}/epochs/{number}/live"
        following = Following(self._http, path, is_over=lambda: self.epoch(programme, number).state != "live")
        yield from following.standings()

    def what_if_wait(self, what_if: int, *, every_s: float = 2.0) -> WhatIfAnswer:
        """Wait until a what-if is done, failed or cancelled, and return it."""
        while (found := self.what_if(what_if)).state not in FINAL:
            self._http.sleep(every_s)
        return found

    def _one(self, kind: type[T], path: str, query: Query) -> T:
        return decode(kind, self._http.json(path, query))

    def _rows(self, kind: type[T], path: str, query: Query) -> Rows[T]:
        return Rows(self._http, kind, path, query)

    def _send(self, kind: type[T], method: str, path: str, content: dict[str, Any] | None = None) -> T:
        given = None if content is None else {name: value for name, value in content.items() if value is not None}
        return decode(kind, self._http.send(method, path, given))
