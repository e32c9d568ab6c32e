"""Two years of weekly epochs before the pages' stage, copied inside the database: millions of scores in a minute."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import psycopg

KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")
WEEK_MS = 7 * 86_400_000
QUOTED_MARKETS = 4
"""So many markets an epoch have five-minute sums: a page draws one market, and reads it by its key."""


def add_history(made: Any, *, scores: int) -> int:
    """Put as many paid weeks before the stage's three epochs as it takes for so many scores; return how many.

    Each is the first epoch's copy, a week earlier than the next, its scores varied. The stage's epochs are
    renumbered to follow, so that the live one stays the last. Amounts of money are copied as they are and add up.
    """
    from rewards.models import Score

    each = Score.objects.filter(epoch=made.paying).count()
    weeks = max(0, -(-(scores - Score.objects.count()) // each))
    with _superuser() as session:
        # The guards let results into a live epoch alone, and would look at each row of millions.
        session.execute("SET session_replication_role = replica")
        with session.transaction():
            for statement, values in _statements(made, weeks) if weeks else ():
                session.execute(statement, values)
        session.execute("VACUUM ANALYZE")
    for epoch in (made.paying, made.waiting, made.live):
        epoch.refresh_from_db()
    return weeks


def add_quoted(made: Any) -> None:
    """Give the stage's epochs sums by five minutes of their first markets, as a busy week leaves them."""
    from rewards.models import LiveStanding, QuoteCells, QuoteRun, Score

    markets = sorted(json.loads(made.live.terms_json)["markets"])
    makers = sorted(set(Score.objects.filter(epoch=made.paying).values_list("maker", flat=True)))
    until_ms = LiveStanding.objects.filter(epoch=made.live).values_list("as_of_ms", flat=True).first()
    for epoch in (made.paying, made.waiting, made.live):
        for market in markets[:QUOTED_MARKETS]:
            # The stage has real ones of its first market, for the book at a moment.
            if not QuoteRun.objects.filter(epoch=epoch, market=market).exists():
                _quoted(epoch, market, makers, until_ms=min(epoch.end_ms, until_ms))
        # Of the others the sums of whole sessions alone.
        like = QuoteCells.objects.filter(epoch=epoch, market=markets[0]).defer("cells", "state")
        QuoteCells.objects.bulk_create(
            QuoteCells(
                epoch=epoch, market=market, start_ms=row.start_ms, first_cell=row.first_cell, until_ms=row.until_ms,
                is_whole=True, cells=b"", sums=row.sums, from_ms=0, state=b"",
            )
            for row in like
            for market in markets[QUOTED_MARKETS:]
        )  # fmt: skip


def add_statistics(made: Any) -> None:
    """Have the stage's facts cover every kind of session of every market, as scoring leaves them."""
    from rewards.models import EpochStatistics

    for row in EpochStatistics.objects.all():
        markets = dict.fromkeys(each["market"] for each in row.document["bought"])
        example = row.document["bought"][0]
        row.document["bought"] = [example | {"market": market, "kind": kind}
                                  for market in markets for kind in (None, *KINDS)]  # fmt: skip
        row.document["unspent_by_market"] = dict.fromkeys(markets, row.document["unspent"])
        row.save()


def _superuser() -> psycopg.Connection:
    from django.db import connection

    from config.embedded.roles import SUPERUSER

    where = connection.settings_dict
    return psycopg.connect(host=where["HOST"], dbname=where["NAME"], user=SUPERUSER, autocommit=True)


def _statements(made: Any, weeks: int) -> Iterator[tuple[str, list[Any]]]:
    """Yield the SQL in its order, with its values: the three epochs move on, and the weeks before them are filled."""
    from onchain.models_tx import ChainDistributor, ChainEpoch, DistributorEvent
    from rewards.models import (
        Allocation,
        Entitlement,
        Epoch,
        EpochCheck,
        EpochSession,
        EpochStatistics,
        Payment,
        Score,
    )

    first = made.paying.number
    # In two steps, for numbers are unique at each row.
    for by in (weeks + 1_000_000, -1_000_000):
        yield "UPDATE rewards_epoch SET number = number + %s, chain_epoch = chain_epoch + %s", [by, by]
        yield f"UPDATE {ChainEpoch._meta.db_table} SET number = number + %s", [by]
    yield f"UPDATE {DistributorEvent._meta.db_table} SET epoch = epoch + %s", [weeks]
    yield f"UPDATE {ChainDistributor._meta.db_table} SET active_epoch = active_epoch + %s", [weeks]
    source = {"epoch": made.paying.pk, "weeks": weeks, "week": WEEK_MS, "first": first}
    yield _copied(Epoch, "n", _EPOCH, "t.id = %(epoch)s", rows="generate_series(1, %(weeks)s) n"), source
    yield "UPDATE rewards_epoch SET terms_json = " + _TERMS, []
    yield _HISTORY, source
    shifted = {"start_ms": "t.start_ms - h.earlier_ms", "end_ms": "t.end_ms - h.earlier_ms"}
    yield _copied(EpochSession, "h.number", shifted), source
    yield _copied(Score, "h.number", _SCORE), source
    for model in (Allocation, Payment, EpochStatistics, EpochCheck):
        yield _copied(model, "h.number", {}), source
    yield "UPDATE rewards_entitlement SET cumulative = cumulative + %(weeks)s * increment", source
    grown = {"cumulative": "t.increment * h.number"}
    yield _copied(Entitlement, "h.number", grown), source
    chain = {"number": "n", "root": "md5(n::text) || md5(n::text)"}
    yield _copied(ChainEpoch, "n", chain, "t.state = 'active'", rows="generate_series(1, %(weeks)s) n"), source


_OF_FIRST = "t.epoch_id = %(epoch)s"
_HISTORY = """
    CREATE TEMPORARY TABLE history AS
    SELECT id, number, (%(first)s + %(weeks)s - number) * %(week)s::bigint AS earlier_ms
    FROM rewards_epoch WHERE number < %(first)s + %(weeks)s
"""
_EPOCH = {
    "number": "n",
    "chain_epoch": "n",
    "start_ms": "t.start_ms - (%(first)s + %(weeks)s - n) * %(week)s::bigint",
    "end_ms": "t.end_ms - (%(first)s + %(weeks)s - n) * %(week)s::bigint",
    "review_until_ms": "NULL",
    "root": "'0x' || md5(n::text) || md5('root' || n)",
}
_TERMS = r"""regexp_replace(terms_json, '"epoch":\{[^}]*\}',
    format('"epoch":{"end_ms":%%s,"number":%%s,"start_ms":%%s}', end_ms, number, start_ms))"""
_VARIED = "(80 + abs(hashtext(t.market || t.maker || h.number)) %% 41) / 100"
_SCORE = {"credit": f"trunc(t.credit * {_VARIED})", "present_ms": f"t.present_ms * {_VARIED}"}


def _copied(
    model: Any, order: str, changes: Mapping[str, str], where: str = _OF_FIRST, *, rows: str = "history h"
) -> str:
    """Return the SQL that copies a model's rows of one epoch into others, some columns changed."""
    fields = [field for field in model._meta.concrete_fields if not field.primary_key and not field.generated]
    columns = [field.column for field in fields]
    values = {column: f"t.{column}" for column in columns} | dict(changes)
    if "epoch_id" in values and rows.startswith("history"):
        values["epoch_id"] = "h.id"
    table = model._meta.db_table
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values[column] for column in columns)} "
        f"FROM {rows} CROSS JOIN {table} t WHERE {where} ORDER BY {order}, t.id"
    )


def _quoted(epoch: Any, market: str, makers: list[str], *, until_ms: int) -> None:
    from rewards.analysis.cells import CellTimes
    from rewards.analysis.kernel import parts
    from rewards.analysis.means import session_sums
    from rewards.analysis.packing import CellSums
    from rewards.engine.rules import rules_of
    from rewards.engine.terms import parse_terms
    from rewards.models import QuoteCells, QuoteRun
    from rewards.selectors.actions import sessions_of

    terms = parse_terms(epoch.terms_json.encode())
    times = CellTimes.of(rules=rules_of(terms=terms, market=market), sessions=sessions_of(epoch=epoch))
    random = np.random.default_rng(epoch.pk)
    lengths = times.ends_ms - times.starts_ms
    QuoteRun.objects.create(
        epoch=epoch, market=market, key="", makers=makers, until_ms=until_ms, first_cell=0, base=b"", state=b""
    )
    ends = [*times.first.tolist()[1:], len(times)]
    for first, end in zip(times.first.tolist(), ends, strict=True):
        if times.starts_ms[first] >= until_ms:
            break
        shape = (end - first, len(makers))
        whole = random.integers(0, 50_000_000, (*shape, parts.WHOLE))
        # At each moment one of the eight reasons holds, this hour this one and the next that.
        whole[:, :, parts.COUNTING_MS : parts.ONE_SIDED_MS + 1] = 0
        hours = (-(-shape[0] // 12), shape[1])
        reason = random.choice([parts.COUNTING_MS, parts.NO_QUOTES_MS, parts.TOO_FAR_MS], hours, p=(0.8, 0.1, 0.1))
        reason = reason.repeat(12, axis=0)[: shape[0]]
        np.put_along_axis(whole, reason[:, :, None], lengths[first:end, None, None], axis=2)
        of_market = np.zeros((shape[0], parts.MARKET_WHOLE), np.int64)
        of_market[:, parts.MARKET_LIT_MS] = lengths[first:end]
        floats = random.random((*shape, parts.FLOATS)) * 1e6
        sums = CellSums(first, whole, floats, of_market, random.random((shape[0], parts.MARKET_FLOATS)) * 1e6)
        QuoteCells.objects.create(
            epoch=epoch, market=market, start_ms=int(times.starts_ms[first]), first_cell=first,
            until_ms=int(times.ends_ms[end - 1]), is_whole=True, cells=sums.pack(), from_ms=0, state=b"",
            sums=session_sums(sums=sums, makers=makers),
        )  # fmt: skip
