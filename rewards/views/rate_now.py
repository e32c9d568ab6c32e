"""What the programme's page counts on by itself: the rate now and after each coming change, and what was on offer."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rewards.selectors.programs import ProgramRow
from rewards.selectors.rows import SessionRow
from rewards.views.figures.rates import KindRate, offered_so_far
from rewards.views.words import KIND_NAMES, amount_text, boost_text

MOST_STEPS = 60
"""Sessions ahead that a page knows of; it is loaded anew long before they are over."""


def rate_now_context(
    *, program: ProgramRow, terms: Mapping[str, Any], rates: Sequence[KindRate], sessions: Sequence[SessionRow],
    now_ms: int,
) -> dict[str, Any]:  # fmt: skip
    """Return the rate of this moment in words, and the coming ones for the page's script.

    Args:
        rates: of each kind of session in the epoch.
        sessions: of the epoch that runs, contiguous, by time; ms UTC.
    """
    by_kind = {rate.kind: rate for rate in rates}
    ahead = [row for row in sessions if row.end_ms > now_ms][:MOST_STEPS]
    offered = offered_so_far(terms=terms, sessions=sessions, now_ms=now_ms)
    steps = [_step(row, by_kind[row.kind], program.token_decimals) for row in ahead]
    return {
        "rate_now": steps[0] if steps else None,
        "offered_raw": offered,
        "rates_ahead": json.dumps(
            {"now_ms": now_ms, "offered_raw": str(offered), "decimals": program.token_decimals, "steps": steps}
        ),
    }


def _step(row: SessionRow, rate: KindRate, decimals: int) -> dict[str, Any]:
    return {
        "start_ms": row.start_ms,
        "end_ms": row.end_ms,
        "name": KIND_NAMES[row.kind],
        "boost": boost_text(percent=rate.boost_percent),
        "second": amount_text(raw=rate.second_raw, decimals=decimals).short,
        "hour": amount_text(raw=rate.hour_raw, decimals=decimals).short,
        "second_raw": str(rate.second_raw),
    }
