"""Did the money help? Spread and makers' depth of a programme's past epochs, by market and kind of session."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from rewards.models import Program

MOST_EPOCHS = 26
"""Half a year of weeks on the page; the file has every epoch."""
# Read straight from what was worked out per epoch: 26 epochs of 200 markets are too much to bring here for one of them.
_ROWS = """
    SELECT epoch.number, epoch.start_ms, epoch.end_ms, epoch.document IS NOT NULL,
           bought.market, bought.kind, bought.live_ms, bought.lit_ms, bought.spread_bps, bought.depth_lots::text
    FROM (
        SELECT e.number, e.start_ms, e.end_ms, s.document
        FROM rewards_epoch e
        LEFT JOIN rewards_epochstatistics s ON s.epoch_id = e.id AND s.manifest_hash = e.manifest_hash
        WHERE e.program_id = %(program)s AND e.paid_total IS NOT NULL AND e.state <> 'vetoed'
        ORDER BY e.number DESC LIMIT %(most)s
    ) epoch
    LEFT JOIN LATERAL jsonb_to_recordset(
        jsonb_path_query_array(
            epoch.document, '$.bought[*] ? (@.kind != null && ($market == null || @.market == $market))',
            jsonb_build_object('market', %(market)s::text)
        )
    ) AS bought(market text, kind text, live_ms bigint, lit_ms bigint, spread_bps float8, depth_lots jsonb) ON TRUE
    ORDER BY epoch.number, bought.market, bought.kind
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsOfEpoch:
    """One market in all sessions of one kind in an epoch, meant over the time in which its book had a reference.

    lit_ms: that time, of live_ms in which the market was not halted. spread_bps: of the whole book at the reference
    depth. depth_25_lots, depth_100_lots: of all makers together, both sides, within so many bps of the reference.
    The three are None without such time.
    """

    number: int
    start_ms: int
    end_ms: int
    market: str
    kind: str
    live_ms: int
    lit_ms: int
    spread_bps: float | None
    depth_25_lots: float | None
    depth_100_lots: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A programme's scored epochs in order of number. missing: epochs whose figures are not worked out (yet)."""

    rows: tuple[SessionsOfEpoch, ...]
    missing: tuple[int, ...]


def program_history(*, program: Program, market: str | None = None, most: int | None = MOST_EPOCHS) -> History:
    """Return the newest epochs' sessions of one market, or of all, in one query. most: epochs; None: every one."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, {"program": program.pk, "market": market, "most": most})
        found = cursor.fetchall()
    missing = tuple(number for number, _, _, is_there, *_ in found if not is_there)
    return History(rows=tuple(_rows(found)), missing=missing)


def _rows(found: list[tuple[Any, ...]]) -> Iterator[SessionsOfEpoch]:
    for number, start_ms, end_ms, _, market, kind, live_ms, lit_ms, spread_bps, depth in found:
        if kind is None:
            continue
        _, depth_25, _, depth_100 = json.loads(depth)
        yield SessionsOfEpoch(
            number=number, start_ms=start_ms, end_ms=end_ms, market=market, kind=kind, live_ms=live_ms, lit_ms=lit_ms,
            spread_bps=spread_bps, depth_25_lots=depth_25, depth_100_lots=depth_100,
        )  # fmt: skip
