"""A year of collections as CSV: a plain file for people and spreadsheets, and the columns of Koinly's simple template.

Source of the columns: Koinly, "How to create a custom CSV file with your data" (support.koinly.io, article 9489976):
Koinly Date, Amount and Currency are required; Label, TxHash, Net Worth Amount and Net Worth Currency are optional.
"""

import csv
import datetime as dt
import io
import logging
from collections.abc import Sequence
from decimal import Decimal

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from rewards.errors import PriceFileError
from rewards.selectors.collections import Collection, collections_of_year
from rewards.selectors.prices import DatedPrices, Price, PriceSource, price_source

logger = logging.getLogger(__name__)
PLAIN = (
    *("Date (UTC)", "Amount", "Token", "Programme", "Price of one token", "Value", "Currency of price and value"),
    *("Paid to", "For address", "Transaction", "Token address"),
)
KOINLY = ("Koinly Date", "Amount", "Currency", "Label", "TxHash", "Net Worth Amount", "Net Worth Currency")
_FIRST_YEAR, _LAST_YEAR = 2015, 9998
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


@require_safe
@never_cache
def collected_csv(_request: HttpRequest, account: str, year: int) -> HttpResponseBase:
    """Send a year's collections with all that is known of each."""
    rows = [_plain(row, price_of(row)) for row in _of_year(account, year)]
    return _csv(PLAIN, rows, name=f"rewards-{account[:8]}-{year}.csv")


@require_safe
@never_cache
def collected_koinly(_request: HttpRequest, account: str, year: int) -> HttpResponseBase:
    """Send a year's collections in the columns of Koinly's simple template."""
    rows = [_koinly(row, price_of(row)) for row in _of_year(account, year)]
    return _csv(KOINLY, rows, name=f"rewards-{account[:8]}-{year}-koinly.csv")


def price_of(row: Collection) -> Price | None:
    """Return what one token cost on the day it was paid, None where no source says so."""
    return _source().price_at(token=row.token, time_ms=row.time_ms)


def decimal_text(value: Decimal) -> str:
    """Write a number with a point, without exponent."""
    return f"{value:f}"


def amount_decimal(*, raw: int, decimals: int) -> str:
    """Write an amount of the smallest unit in whole tokens, to the last digit, without separators: 1234.5."""
    whole, part = divmod(raw, 10**decimals)
    digits = f"{part:0{decimals}d}".rstrip("0") if part else ""
    return f"{whole}.{digits}" if digits else str(whole)


def safe_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: what begins like one gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_DANGEROUS) else text


def _source() -> PriceSource:
    try:
        return price_source(file=settings.TOKEN_PRICES_FILE)
    except PriceFileError as error:
        # Whoever downloads can't mend it, and no price is better than a wrong one.
        logger.exception("Prices stay blank: %s", error)
        return DatedPrices()


def _of_year(account: str, year: int) -> list[Collection]:
    rows = collections_of_year(account=account, year=year) if _FIRST_YEAR <= year <= _LAST_YEAR else []
    if not rows:
        raise Http404(f"This address has collected nothing in {year}.")
    return rows


def _plain(row: Collection, price: Price | None) -> list[str]:
    return [
        _utc(row.time_ms).strftime("%Y-%m-%d %H:%M:%S"),
        amount_decimal(raw=row.amount, decimals=row.token_decimals),
        row.token_symbol,
        row.program_name,
        *(_price_cells(row, price)),
        row.recipient,
        row.account,
        row.tx_hash,
        row.token,
    ]


def _price_cells(row: Collection, price: Price | None) -> list[str]:
    if price is None:
        return ["", "", ""]
    worth = price.worth(raw=row.amount, decimals=row.token_decimals)
    return [decimal_text(price.amount), decimal_text(worth), price.currency]


def _koinly(row: Collection, price: Price | None) -> list[str]:
    _, worth, currency = _price_cells(row, price)
    amount = amount_decimal(raw=row.amount, decimals=row.token_decimals)
    return [f"{_utc(row.time_ms):%Y-%m-%d %H:%M} UTC", amount, row.token_symbol, "reward", row.tx_hash, worth, currency]


def _utc(time_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(time_ms // 1000, tz=dt.UTC)


def _csv(columns: Sequence[str], rows: Sequence[Sequence[str]], *, name: str) -> HttpResponse:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    response = HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
