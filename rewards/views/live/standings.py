"""A live epoch's standings in the words of the scorecard."""

from typing import Any

from rewards.selectors.standings import PPM
from rewards.services.live_standings import Snapshot
from rewards.views.words import amount_text, share_text


def shown(seen: Snapshot, *, maker: str) -> dict[str, Any]:
    """Return what a maker's open page shows; texts, as the page itself writes them."""
    row = seen.rows.get(maker)
    as_of_ms = row.as_of_ms if row else None
    age_s = max(0, (seen.now_ms or 0) - as_of_ms) // 1000 if as_of_ms else None
    return {
        "over": seen.is_over,
        "as_of_ms": as_of_ms,
        "age_s": age_s,
        "payout": _amount(seen, row.payout if row else 0),
        "accrued": _amount(seen, row.accrued if row else 0),
        "most": _amount(seen, row.most if row else 0),
        "payout_raw": str(row.payout if row else 0),
        "accrued_raw": str(row.accrued if row else 0),
        "most_raw": str(row.most if row else 0),
        "share": share_text(part=row.share_ppm if row else 0, whole=PPM),
        "rank": row.rank if row else None,
        "makers": len(seen.rows),
    }


def _amount(seen: Snapshot, raw: int) -> str:
    program = seen.epoch.program
    return f"{amount_text(raw=raw, decimals=program.token_decimals).short} {program.token_symbol}"
