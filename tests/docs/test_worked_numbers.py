"""Every number of docs/makers/how-am-i-scored.md, recomputed by the engine from the terms and events that stand there.

The numbers on the page were worked out by hand, in fractions, from the written rule.
"""

import csv
import datetime as dt
import io
import json
import re
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from rewards.calendars import build_sessions
from rewards.engine.events import SCHEMA
from rewards.engine.evidence import EventColumns, Inputs
from rewards.engine.kinds import KINDS
from rewards.engine.rules import band_of, rules_of, weight_of
from rewards.engine.scoring import Result, score
from rewards.engine.sessions import Sessions
from rewards.engine.terms import Terms, parse_terms
from tests.documents import DOCS, blocks, tables
from tests.engine.terms_made import example

PAGE = "makers/how-am-i-scored.md"
FILES = {block.file: block.text for block in blocks(PAGE) if block.file}
TEXT = (DOCS / PAGE).read_text()
TERMS = json.loads(FILES["terms.json"])
MARKET = "AAPL-PERP"
MIDDLE = 20_000  # half-ticks
MAKERS = {"0x" + digit * 40: name for digit, name in (("1", "ann"), ("2", "ben"), ("3", "cara"))}
ADDRESSES = {name: address for address, name in MAKERS.items()}
TOKEN = 10**18
FULL = 2**30


def at_ms(clock: str) -> int:
    """A time of day of that Friday in New York."""
    day = dt.datetime(2026, 10, 2, tzinfo=ZoneInfo("America/New_York"))
    moment = dt.time.fromisoformat(clock)
    midnight_ms = int(day.timestamp()) * 1000
    return midnight_ms + ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1000 + moment.microsecond // 1000


def events() -> EventColumns:
    rows = [
        dict.fromkeys(SCHEMA.names)
        | {"market": MARKET, "block": 1, "log_index": number, "time_ms": at_ms(row["time"]), "kind": row["event"]}
        | {"order": row["order"], "address": ADDRESSES.get(row["maker"]), "side": row["side"] or None}
        | {key: int(row[name]) if row[name] else None for key, name in (("price", "price"), ("size", "lots"))}
        for number, row in enumerate(csv.DictReader(io.StringIO(FILES["events.csv"])))
    ]
    return EventColumns.from_arrow(pa.Table.from_pylist(rows, schema=SCHEMA))


def terms(**changes) -> Terms:
    return parse_terms(json.dumps(TERMS | changes).encode())


def scored(of: Terms) -> Result:
    return score(
        Inputs(
            terms=of,
            sessions=Sessions.from_rows(build_sessions("XNYS", of.epoch.start_ms, of.epoch.end_ms)),
            makers=MAKERS,
            payouts={name: [(address, 1_000_000)] for address, name in MAKERS.items()},
            carried_in={},
            previous=None,
            events=events(),
        )
    )


def test_the_terms_are_the_example_of_the_specification_in_an_epoch_of_their_own():
    assert {key: value for key, value in TERMS.items() if key != "epoch"} == {
        key: value for key, value in example().items() if key != "epoch"
    }
    assert TERMS["epoch"] == {"number": 12, "start_ms": at_ms("19:00"), "end_ms": at_ms("21:00")}


def test_what_an_order_weighs_by_its_distance():
    rules = rules_of(terms=terms(), market=MARKET)
    heading, *rows = tables(TEXT)[0]
    for row in rows:
        for kind, weight in zip(heading[1:], row[1:], strict=True):
            band = band_of(
                reference=MIDDLE, max_spread_bps=rules.max_spread_bps[KINDS.index(kind)], widen_pct=100
            )  # ticks are two half-ticks
            ppm = weight_of(rules, distance=2 * int(row[0]), band=band)
            assert weight == f"{ppm // 10_000}.{ppm % 10_000 // 100:02d}%", (row[0], kind)


def test_what_each_stretch_is_worth_to_each_maker():
    rows = [dict(zip(tables(TEXT)[1][0], row, strict=True)) for row in tables(TEXT)[1][1:]]
    for row in rows:
        start_ms, end_ms = at_ms(row["from"]), at_ms(row["to"])
        stretch = terms(epoch={"number": 1, "start_ms": start_ms, "end_ms": end_ms})
        credit = {each.maker: each.credit for each in scored(stretch).scores}
        assert set(credit) >= {row["maker"]}
        # Half a second of a next order's youth lies in some stretches; it changes nothing.
        share = credit[row["maker"]] * 10_000 // (FULL * (end_ms - start_ms))
        assert abs(share - hundredths(row["share"])) <= 1, row
        together = sum(hundredths(each["quality, lots"]) for each in rows if each["from"] == row["from"])
        assert together == hundredths(row["everybody’s"])
        target = max(together, 100 * example()["markets"][MARKET]["target_lots"])
        assert abs(hundredths(row["quality, lots"]) * 10_000 // target - hundredths(row["share"])) <= 1


def test_what_is_paid_and_what_the_gate_takes():
    result = scored(terms())
    paid = {row.maker: row for row in result.allocations}
    assert {row[0] for row in tables(TEXT)[2][1:]} == set(paid)
    for maker, post, weekend, there, tokens in tables(TEXT)[2][1:]:
        rows = {row.kind: row for row in result.scores if row.maker == maker}
        for kind, seconds in (("post", post), ("weekend", weekend)):
            credit = rows[kind].credit if kind in rows else 0
            assert f"{credit / FULL / 1000:,.1f}" == seconds, (maker, kind)
        assert f"{rows['weekend'].present_ms / rows['weekend'].live_ms:.2%}" == there
        assert f"{paid[maker].payout // 10**16 / 100:,.2f}" in {tokens, f"{float(tokens.replace(',', '')) - 0.01:,.2f}"}
        assert paid[maker].payout == paid[maker].quoting
    open_door = {**example()["markets"][MARKET], "min_uptime_bps": dict.fromkeys(KINDS, 0)}
    without_gate = {row.maker: row.payout for row in scored(terms(markets={MARKET: open_door})).allocations}
    [lost] = re.findall(r"with them ([\d,.]+) tokens", TEXT)
    assert f"{(without_gate['cara'] - paid['cara'].payout) / TOKEN:,.2f}" == lost
    assert without_gate["ann"] == paid["ann"].payout


def test_the_sum_that_is_written_out_comes_to_anns_pay():
    [(post, weekend, hours)] = re.findall(r"\(([\d,.]+) × 2 \+ ([\d,.]+) × 3\) seconds are ([\d.]+) plain hours", TEXT)
    plain = (float(post.replace(",", "")) * 2 + float(weekend.replace(",", "")) * 3) / 3600
    assert f"{plain:.4f}" == hours
    assert 35_000 * plain == pytest.approx(hundredths(tables(TEXT)[2][1][4]) / 100, rel=1e-4)


def hundredths(text: str) -> int:
    """`45.12%` and `1,388.5` in hundredths."""
    return round(float(text.strip("%").replace(",", "")) * 100)
