"""A live epoch's standings, read once for all who look at them."""

import asyncio
import time
from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.db import connection

from rewards.models import Carry, Epoch
from rewards.selectors.clock import chain_now_ms
from rewards.selectors.standings import StandingRow, standings


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The standings of an epoch at a look, which began at `taken_at` (`time.monotonic`).

    now_ms: the chain's clock then. is_over: it is no longer live. carried: what makers take into the next epoch, once
    it is scored.
    """

    taken_at: float
    now_ms: int | None
    is_over: bool
    epoch: Epoch
    rows: dict[str, StandingRow]
    carried: dict[str, int]


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
            taken_at=began, now_ms=chain_now_ms(), is_over=epoch.state != Epoch.State.LIVE, epoch=epoch,
            rows={row.maker: row for row in rows},
            carried=dict(Carry.objects.filter(epoch=epoch).values_list("maker", "amount")),
        )  # fmt: skip
    finally:
        # This thread belongs to nobody's request, so nobody else gives the connection back.
        connection.close()
