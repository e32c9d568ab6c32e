"""A live epoch's standings in the words of the scorecard, read once for all who look at them."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection

from rewards.models import Epoch
from rewards.selectors.clock import chain_now_ms
from rewards.selectors.standings import PPM, StandingRow, standings
from rewards.views.words import amount_text, share_text


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The standings of an epoch at a look, which began at `taken_at` (`time.monotonic`).

    now_ms: the chain's clock then. is_over: it is no longer live.
    """

    taken_at: float
    now_ms: int | None
    is_over: bool
    makers: int
    rows: dict[str, StandingRow]
    decimals: int
    symbol: str

    def of(self, maker: str) -> dict[str, Any]:
        """Return what a maker's open page shows; texts, as the page itself writes them."""
        row = self.rows.get(maker)
        as_of_ms = row.as_of_ms if row else None
        age_s = max(0, (self.now_ms or 0) - as_of_ms) // 1000 if as_of_ms else None
        return {
            "over": self.is_over,
            "as_of_ms": as_of_ms,
            "age_s": age_s,
            "payout": self._amount(row.payout if row else 0),
            "accrued": self._amount(row.accrued if row else 0),
            "most": self._amount(row.most if row else 0),
            "payout_raw": str(row.payout if row else 0),
            "accrued_raw": str(row.accrued if row else 0),
            "most_raw": str(row.most if row else 0),
            "share": share_text(part=row.share_ppm if row else 0, whole=PPM),
            "rank": row.rank if row else None,
            "makers": self.makers,
        }

    def _amount(self, raw: int) -> str:
        return f"{amount_text(raw=raw, decimals=self.decimals).short} {self.symbol}"


_locks: dict[tuple[int, int], asyncio.Lock] = {}
_newest: dict[int, Snapshot] = {}


async def snapshot(*, epoch_id: int, since: float) -> Snapshot:
    """Return the standings of an epoch as of `since` or later (`time.monotonic`); those who ask for one share it."""
    lock = _locks.setdefault((id(asyncio.get_running_loop()), epoch_id), asyncio.Lock())
    async with lock:
        known = _newest.get(epoch_id)
        if known is None or known.taken_at < since:
            known = _newest[epoch_id] = await sync_to_async(_look, thread_sensitive=False)(epoch_id)
        return known


def _look(epoch_id: int) -> Snapshot:
    began = time.monotonic()
    try:
        epoch = Epoch.objects.select_related("program").get(pk=epoch_id)
        rows = standings(epoch=epoch)
        return Snapshot(
            taken_at=began, now_ms=chain_now_ms(), is_over=epoch.state != Epoch.State.LIVE,
            makers=len(rows), rows={row.maker: row for row in rows}, decimals=epoch.program.token_decimals,
            symbol=epoch.program.token_symbol,
        )  # fmt: skip
    finally:
        # This thread belongs to nobody's request, so nobody else gives the connection back.
        connection.close()
