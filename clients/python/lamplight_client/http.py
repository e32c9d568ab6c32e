"""How the client speaks HTTP: tries again when told to wait, sends ETags back, and makes errors of problems."""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

import httpx

from lamplight_client.errors import (
    BY_CODE,
    ConnectionFailedError,
    InsecureAddressError,
    ProblemError,
    UnexpectedAnswerError,
)

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
AGAIN: Final = (429, 502, 503, 504)
BUSY: Final = 503
TOO_MANY: Final = 429
KEPT_ANSWERS: Final = 256
Query = Mapping[str, str | int | datetime | None]


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is tried, and how long (s) it waits at most between two tries."""

    tries: int = 4
    longest_s: float = 30.0


class Http:
    """One server and one key. `sleep` is given by tests alone."""

    def __init__(
        self,
        base_url: str,
        *,
        key: str | None,
        timeout_s: float,
        patience: Patience,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        url = httpx.URL(base_url)
        if key and url.scheme != "https" and url.host not in ("localhost", "127.0.0.1", "::1"):
            raise InsecureAddressError(base_url)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(
            base_url=f"{str(url).rstrip('/')}/api/v1/", headers=headers, timeout=timeout_s, transport=transport
        )
        self.patience, self.sleep = patience, sleep
        self._kept: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def json(self, path: str, query: Query) -> Any:
        """Return a route's JSON; what has not changed since it was last asked for is not sent again."""
        request = self._client.build_request("GET", path, params=params_of(query), headers={"Accept": JSON})
        name = str(request.url)
        with self._lock:
            kept = self._kept.get(name)
        if kept is not None:
            request.headers["If-None-Match"] = kept[0]
        with self._answer(request) as answer:
            if answer.status_code == 304 and kept is not None:
                return json_of(answer, kept[1])
            body = answer.read()
        if etag := answer.headers.get("ETag"):
            with self._lock:
                self._kept[name] = (etag, body)
                self._kept.move_to_end(name)
                while len(self._kept) > KEPT_ANSWERS:
                    self._kept.popitem(last=False)
        return json_of(answer, body)

    def send(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:
        """Send what changes something, and return the answer's JSON."""
        request = self._client.build_request(method, path, json=content, headers={"Accept": JSON})
        with self._answer(request) as answer:
            return json_of(answer, answer.read())

    @contextmanager
    def stream(
        self, path: str, query: Query, accept: str, *, timeout_s: float | None = None
    ) -> Iterator[httpx.Response]:
        """Open an answer that is read piece by piece. timeout_s: how long it may be silent, instead of the usual."""
        more: dict[str, Any] = {} if timeout_s is None else {"timeout": timeout_s}
        request = self._client.build_request("GET", path, params=params_of(query), headers={"Accept": accept}, **more)
        with self._answer(request) as answer:
            yield answer

    @contextmanager
    def _answer(self, request: httpx.Request) -> Iterator[httpx.Response]:
        answer = self._tried(request)
        try:
            if answer.is_error:
                raise problem_of(answer)
            yield answer
        except httpx.RequestError as error:
            raise ConnectionFailedError(f"The answer of {request.url} broke off: {error}") from error
        finally:
            answer.close()

    def _tried(self, request: httpx.Request) -> httpx.Response:
        for left in reversed(range(self.patience.tries)):
            wait_s = min(0.5 * 2 ** (self.patience.tries - 1 - left), self.patience.longest_s)
            try:
                answer = self._client.send(request, stream=True)
            except httpx.TransportError as error:
                # Whether it has arrived is unknown, so only what changes nothing is sent again.
                if left == 0 or request.method != "GET":
                    raise ConnectionFailedError(f"{request.url} does not answer: {error}") from error
            else:
                told_s = retry_after_s(answer)
                wait_s = wait_s if told_s is None else told_s
                if not _is_worth_another(request, answer) or left == 0 or wait_s > self.patience.longest_s:
                    return answer
                answer.close()
            self.sleep(wait_s)
        raise AssertionError("the last try returns or raises")


def _is_worth_another(request: httpx.Request, answer: httpx.Response) -> bool:
    """Whether to send a request again. 502, 504 and a bare 503 may come of a proxy after the service has done it."""
    if request.method == "GET":
        return answer.status_code in AGAIN
    return answer.status_code == TOO_MANY or (answer.status_code == BUSY and retry_after_s(answer) is not None)


def seg(text: str) -> str:
    """Write text as one segment of a path, whatever is in it. Raises ValueError for what would lead elsewhere."""
    if text in ("", ".", ".."):
        raise ValueError(f"{text!r} is no name.")
    return quote(text, safe="")


def params_of(query: Query) -> dict[str, str | int]:
    """Leave out what is not given, and write moments as ms since 1970."""
    return {
        name: ms(value) if isinstance(value, datetime) else value for name, value in query.items() if value is not None
    }


def ms(moment: datetime) -> int:
    """Return a moment as ms since 1970. Raises ValueError when it has no time zone: it could be any of 24 moments."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; give it one, such as UTC.")
    return int(moment.timestamp() * 1000)


def json_of(answer: httpx.Response, body: bytes | str) -> Any:
    """Read an answer's JSON. Raises UnexpectedAnswerError."""
    try:
        return json.loads(body)
    except ValueError as error:
        text = f"{answer.request.url} answers with something that is not JSON. Is it the address of a Lamplight?"
        raise UnexpectedAnswerError(text) from error


def problem_of(answer: httpx.Response) -> ProblemError | UnexpectedAnswerError:
    """Make the error of an answer that tells of a problem."""
    body = answer.read()
    if answer.headers.get("Content-Type", "").split(";")[0] != PROBLEM:
        where = f"{answer.request.url} answers {answer.status_code}, and not in the API's form"
        text = f"{where}. Is it the address of a Lamplight?"
        return UnexpectedAnswerError(text, status=answer.status_code)
    found = json_of(answer, body)
    return BY_CODE.get(found.get("code", ""), ProblemError)(
        body=found, status=answer.status_code, request_id=answer.headers.get("X-Request-ID"),
        retry_after_s=retry_after_s(answer),
    )  # fmt: skip


def retry_after_s(answer: httpx.Response) -> float | None:
    """Return how long an answer asks to wait, None when it does not say; both of HTTP's forms are read."""
    text = answer.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
