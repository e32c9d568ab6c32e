"""What a token was worth on a day, from a file of dated prices; where there is none, nothing is guessed.

The file (setting TOKEN_PRICES_FILE) is CSV with the columns token, date, price, currency: a token's 0x address, a day
in UTC (YYYY-MM-DD), what one whole token cost then, and in which currency. Anything else that gives prices can stand in
its place: whatever has `price_at` is a PriceSource.
"""

import csv
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from rewards.errors import PriceFileError

COLUMNS = ("token", "date", "price", "currency")
_TOKEN = re.compile(r"0x[0-9a-f]{40}")
_CURRENCY = re.compile(r"[A-Z]{3,5}")
_DIGITS = 160
"""Enough for any amount of any token times any price, without rounding on the way."""
_PLACES = 8


@dataclass(frozen=True, slots=True)
class Price:
    """What one whole token cost; above 0, in a currency's three to five letters."""

    amount: Decimal
    currency: str

    def worth(self, *, raw: int, decimals: int) -> Decimal:
        """Return what an amount of the token's smallest unit was worth, to eight places, half to even."""
        with localcontext() as context:
            context.prec = _DIGITS
            exact = Decimal(raw).scaleb(-decimals) * self.amount
            return exact.quantize(Decimal(1).scaleb(-_PLACES)).normalize() if exact else Decimal(0)


class PriceSource(Protocol):
    """Whoever knows what tokens were worth."""

    def price_at(self, *, token: str, time_ms: int) -> Price | None:
        """Return what one whole token cost at a time (ms UTC), None when that isn't known."""
        ...


@dataclass(frozen=True, slots=True)
class DatedPrices:
    """Prices by (token, UTC day); a day that isn't there has no price, the day before doesn't stand in for it."""

    by_day: Mapping[tuple[str, dt.date], Price] = field(default_factory=dict)

    def price_at(self, *, token: str, time_ms: int) -> Price | None:
        """Return the price of the UTC day that the time falls on."""
        return self.by_day.get((token.lower(), dt.datetime.fromtimestamp(time_ms // 1000, tz=dt.UTC).date()))


def price_source(*, file: str) -> PriceSource:
    """Return the prices of a file, empty for an empty name; read again when the file has changed.

    Raises PriceFileError, which names the line and what is wrong there.
    """
    if not file:
        return DatedPrices()
    try:
        status = Path(file).stat()
    except OSError as error:
        raise PriceFileError(file=file, line=0, rule=f"can't be read ({error.strerror})") from error
    return _read(file, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _read(file: str, _modified_ns: int, _size: int) -> DatedPrices:
    found: dict[tuple[str, dt.date], Price] = {}
    try:
        with Path(file).open(encoding="utf-8", newline="") as handle:
            lines = csv.reader(handle)
            if tuple(cell.strip() for cell in next(lines, ())) != COLUMNS:
                raise PriceFileError(file=file, line=1, rule=f"the columns have to be {','.join(COLUMNS)}")
            for cells in lines:
                if cells:
                    key, price = _entry(file, lines.line_num, [cell.strip() for cell in cells])
                    if found.setdefault(key, price) != price:
                        raise PriceFileError(file=file, line=lines.line_num, rule="this day has another price above")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PriceFileError(file=file, line=0, rule=f"can't be read ({error})") from error
    return DatedPrices(found)


def _entry(file: str, line: int, cells: list[str]) -> tuple[tuple[str, dt.date], Price]:
    def wrong(rule: str) -> PriceFileError:
        return PriceFileError(file=file, line=line, rule=rule)

    if len(cells) != len(COLUMNS):
        raise wrong(f"a line has {len(COLUMNS)} cells, this one {len(cells)}")
    token, day, price, currency = cells
    if not _TOKEN.fullmatch(token.lower()):
        raise wrong("a token is 0x and 40 digits from 0 to 9 and a to f")
    try:
        date = dt.date.fromisoformat(day)
    except ValueError as error:
        raise wrong("a date is written YYYY-MM-DD") from error
    try:
        amount = Decimal(price)
    except InvalidOperation as error:
        raise wrong("a price is a number with a point, such as 1.25") from error
    if not amount.is_finite() or amount <= 0:
        raise wrong("a price is above 0; leave out the days without one")
    if not _CURRENCY.fullmatch(currency):
        raise wrong("a currency is three to five capital letters, such as USD")
    return (token.lower(), date), Price(amount, currency)
