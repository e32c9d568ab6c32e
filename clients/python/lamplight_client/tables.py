"""Lists of the API as iterators over all their pages, and the same as CSV and Parquet."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Generic, TypeVar

import httpx

from lamplight_client.decode import decode
from lamplight_client.errors import UnexpectedAnswerError
from lamplight_client.http import Http, Query

T = TypeVar("T")
CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
LINE_END = b"\r\n"


class Rows(Generic[T]):
    """The rows of a list. Iterating asks for page after page; each time one iterates, it is asked anew."""

    def __init__(self, http: Http, kind: type[T], path: str, query: Query) -> None:
        self._http, self._kind, self._path, self._query = http, kind, path, query

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page

    def pages(self) -> Iterator[tuple[T, ...]]:
        """Give the rows page by page, as `limit` cuts them."""
        query: Query | None = self._query
        while query is not None:
            found = self._http.json(self._path, query)
            if not isinstance(found, dict) or not isinstance(found.get("items"), list):
                raise UnexpectedAnswerError(f"{self._path} is no list. Is the service of another version?")
            yield tuple(decode(self._kind, row) for row in found["items"])
            query = self._after(found.get("next"))

    def csv(self) -> Iterator[bytes]:
        """Give all rows as one CSV file, piece by piece as it comes, with one header."""
        query: Query | None = self._query
        is_first = True
        while query is not None:
            with self._http.stream(self._path, query, CSV) as answer:
                yield from answer.iter_bytes() if is_first else _without_header(answer.iter_bytes())
                query, is_first = self._after(_next_of(answer)), False

    def parquet(self) -> Iterator[bytes]:
        """Give the rows as Parquet, a whole file for each page."""
        query: Query | None = self._query
        while query is not None:
            with self._http.stream(self._path, query, PARQUET) as answer:
                yield answer.read()
                query = self._after(_next_of(answer))

    def save_csv(self, path: str | Path) -> None:
        """Write all rows to a CSV file."""
        with Path(path).open("wb") as file:
            for piece in self.csv():
                file.write(piece)

    def save_parquet(self, folder: str | Path) -> list[Path]:
        """Write all rows to Parquet files in a folder, 00001.parquet and on, one a page; returns them."""
        base = Path(folder)
        base.mkdir(parents=True, exist_ok=True)
        written = []
        for number, content in enumerate(self.parquet(), start=1):
            written.append(base / f"{number:05d}.parquet")
            written[-1].write_bytes(content)
        return written

    def _after(self, address: str | None) -> Query | None:
        """Return the query of the next page. Of its address only the cursor is used: the key stays with this host."""
        if not address:
            return None
        following: Mapping[str, str] = httpx.URL(address).params
        return {**self._query, "cursor": following["cursor"]}


def _next_of(answer: httpx.Response) -> str | None:
    return answer.links.get("next", {}).get("url")


def _without_header(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for piece in pieces:
        held += piece
        _, end, rest = held.partition(LINE_END)
        if end:
            yield rest
            break
    yield from pieces
