"""A file of prices is taken to the digit or refused with its line; what it doesn't say has no price."""

import datetime as dt
from decimal import Decimal

import pytest

from rewards.errors import PriceFileError
from rewards.selectors.prices import Price, price_source

TOKEN = "0x" + "ab" * 20
HEAD = "token,date,price,currency\n"


def at(day: int, hour: int = 0) -> int:
    return int(dt.datetime(2026, 3, day, hour, tzinfo=dt.UTC).timestamp()) * 1000


def test_a_price_holds_for_its_day_in_utc_and_for_no_other(tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text(f"{HEAD}{TOKEN.upper().replace('X', 'x')},2026-03-02,0.000000123456789,USD\n\n")
    source = price_source(file=str(file))
    price = Price(Decimal("0.000000123456789"), "USD")
    found = [source.price_at(token=TOKEN, time_ms=time_ms) for time_ms in (at(2), at(3) - 1, at(2) - 1, at(3))]
    assert found == [price, price, None, None]
    assert source.price_at(token="0x" + "cd" * 20, time_ms=at(2)) is None
    assert price_source(file="").price_at(token=TOKEN, time_ms=at(2)) is None


@pytest.mark.parametrize(
    ("raw", "decimals", "price", "worth"),
    [
        (10**18, 18, "0.1", "0.1"),
        (123_456_789, 6, "1.5", "185.1851835"),
        # Half to even at the ninth place.
        (25, 10, "1", "0"),
        (15, 9, "1", "0.00000002"),
        # More digits than Decimal keeps by itself.
        (10**30 + 1, 0, "1.00000001", "1000000010000000000000000000001.00000001"),
    ],
)
def test_worth_is_exact_to_eight_places(raw, decimals, price, worth):
    assert Price(Decimal(price), "USD").worth(raw=raw, decimals=decimals) == Decimal(worth)


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("", 1, "the columns have to be token,date,price,currency"),
        (f"{HEAD}{TOKEN},2026-03-02,1\n", 2, "a line has 4 cells, this one 3"),
        (f"{HEAD}LAMP,2026-03-02,1,USD\n", 2, "a token is 0x and 40 digits"),
        (f"{HEAD}{TOKEN},02/03/2026,1,USD\n", 2, "a date is written YYYY-MM-DD"),
        (f"{HEAD}{TOKEN},2026-03-02,1;5,USD\n", 2, "a price is a number with a point"),
        (f"{HEAD}{TOKEN},2026-03-02,0,USD\n", 2, "a price is above 0"),
        (f"{HEAD}{TOKEN},2026-03-02,NaN,USD\n", 2, "a price is above 0"),
        (f"{HEAD}{TOKEN},2026-03-02,1,=1+1\n", 2, "a currency is three to five capital letters"),
        (f"{HEAD}{TOKEN},2026-03-02,1,USD\n{TOKEN},2026-03-02,2,USD\n", 3, "this day has another price above"),
    ],
)
def test_a_file_that_can_not_be_understood_is_refused_with_its_line(tmp_path, text, line, rule):
    file = tmp_path / "prices.csv"
    file.write_text(text)
    with pytest.raises(PriceFileError) as refused:
        price_source(file=str(file))
    assert refused.value.line == line
    assert rule in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PriceFileError, match="can't be read"):
        price_source(file=str(tmp_path / "none.csv"))
