"""Real order flow: the half-hour Bitstamp recording that the package ob-analytics carries as its sample data.

Only the data files are read; the package itself, which is for other things, is never imported.
"""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, files
from itertools import islice
from pathlib import Path

from rewards.demo.errors import SampleMissingError

PACKAGE = "ob-analytics"
FOLDER = "ob_analytics/_sample_data"
ATOMS = Decimal(10**8)
"""The recording gives bitcoin with eight digits."""
CENTS = Decimal(100)


class Action(StrEnum):
    """What happened to an order."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One recorded event: time in ms, price in cents, what is left of the order in 1e-8 bitcoin."""

    order: str
    time_ms: int
    action: Action
    is_bid: bool
    price_cents: int
    left: int


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One recorded trade, `amount` in 1e-8 bitcoin."""

    maker_order: str
    taker_order: str
    amount: int


def sample_folder() -> Path:
    """Return where the sample data is; raises SampleMissingError when the package is not installed."""
    try:
        listed = files(PACKAGE) or []
    except PackageNotFoundError as error:
        raise SampleMissingError from error
    for path in listed:
        if path.as_posix() == f"{FOLDER}/orders.csv.gz":
            return Path(str(path.locate())).parent
    raise SampleMissingError


def order_rows(*, folder: Path, most: int | None = None) -> Iterator[OrderRow]:
    """Yield the recorded events in order of time, at most so many."""
    with gzip.open(folder / "orders.csv.gz", "rt", newline="") as handle:
        for row in islice(csv.DictReader(handle), most):
            yield OrderRow(
                order=row["id"],
                time_ms=int(row["exchange_timestamp"]),
                action=Action(row["action"]),
                is_bid=row["direction"] == "bid",
                price_cents=_whole(Decimal(row["price"]) * CENTS),
                left=_whole(Decimal(row["volume"]) * ATOMS),
            )


def trade_rows(*, folder: Path) -> list[TradeRow]:
    """Return the recorded trades; the side of a trade is its taker's."""
    with (folder / "trades.csv").open(newline="") as handle:
        return [
            TradeRow(
                maker_order=row["sell_order_id"] if row["side"] == "buy" else row["buy_order_id"],
                taker_order=row["buy_order_id"] if row["side"] == "buy" else row["sell_order_id"],
                amount=_whole(Decimal(row["amount"]) * ATOMS),
            )
            for row in csv.DictReader(handle)
        ]


def _whole(number: Decimal) -> int:
    """Return a number that must be whole; a recording that is finer than its units would lose something."""
    if number != number.to_integral_value():
        raise ValueError(f"{number} is finer than the units of this recording")
    return int(number)
