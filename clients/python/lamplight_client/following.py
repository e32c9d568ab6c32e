"""Follows a maker's standing over streams that end and break: nothing that counts is missed, nothing is said twice."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from lamplight_client.decode import decode
from lamplight_client.errors import ConnectionFailedError, UnexpectedAnswerError
from lamplight_client.events import SILENT_S, Events
from lamplight_client.http import Http, json_of
from lamplight_client.rows import Standing

STREAM: Final = "text/event-stream"
AWAY: Final = (502, 503, 504)
"""What a proxy says while the service is away."""


class Following:
    """One who follows `path`. is_over: asks whether the epoch is; raises what requests raise.

    Events have no ids, since each is the whole standing: a new stream begins with the newest, whatever was missed.
    """

    def __init__(self, http: Http, path: str, *, is_over: Callable[[], bool]) -> None:
        self._http, self._path, self._is_over = http, path, is_over
        self._events = Events()
        self._last: Standing | None = None
        self._breaks = 0

    def standings(self) -> Iterator[Standing]:
        """Give each standing once, until the last of an epoch that is over.

        Raises ConnectionFailedError or UnexpectedAnswerError once as many streams as `tries` in a row brought nothing,
        and at once what the service refuses (ProblemError).
        """
        was_over = False
        while True:
            try:
                yield from self._stream()
                if was_over or (self._last is not None and not self._last.is_estimate):
                    return
                # A stream that ended before the epoch did may lack the last word: then there is one more.
                was_over = self._is_over()
                if was_over:
                    continue
            except (ConnectionFailedError, UnexpectedAnswerError) as error:
                self._breaks += 1
                is_away = isinstance(error, ConnectionFailedError) or error.status in AWAY
                if not is_away or self._breaks >= self._http.patience.tries:
                    raise
            self._http.sleep(min(self._events.retry_s * 2 ** max(0, self._breaks - 1), self._http.patience.longest_s))

    def _stream(self) -> Iterator[Standing]:
        has_said = False
        with self._http.stream(self._path, {}, STREAM, timeout_s=SILENT_S) as answer:
            if answer.headers.get("Content-Type", "").partition(";")[0] != STREAM:
                text = f"{answer.request.url} answers with no stream of events. Is it the address of a Lamplight?"
                raise UnexpectedAnswerError(text, status=answer.status_code)
            for text in self._events.data_of(answer.iter_lines()):
                found = decode(Standing, json_of(answer, text))
                if has_said or not _says_the_same(found, self._last):
                    yield found
                self._last, self._breaks, has_said = found, 0, True
        if not has_said:
            raise ConnectionFailedError(f"{self._path} ended before it said anything.")


def _says_the_same(found: Standing, last: Standing | None) -> bool:
    """Whether a new stream begins with what the one before ended with; only its age goes on by itself."""
    return last is not None and replace(found, age_ms=0) == replace(last, age_ms=0)
