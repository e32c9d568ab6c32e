"""Markets that stand still: what contradicts what, which epochs wait for them, and what was done about it."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from onchain.models import Cursor, Market, RawLog
from rewards.models import Epoch, Rederivation

_LOG = re.compile(r"^Block \d+, log (\d+):")


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingEpoch:
    """An epoch that can't be scored without the market; is_over: it has ended, so that makers wait for their pay."""

    program_name: str
    slug: str
    number: int
    end_ms: int
    is_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedMarket:
    """A market that stands still. log: the raw log that contradicts what came before, None where it isn't stored.

    blocks_after: blocks that are stored and not turned into its events since. asked: who asks for it to be derived
    again right now.
    """

    id: int
    name: str
    address: str
    block: int
    reason: str
    blocks_after: int
    log: RawLog | None
    epochs: tuple[WaitingEpoch, ...]
    asked: Rederivation | None


def quarantined_markets(*, now_ms: int) -> tuple[QuarantinedMarket, ...]:
    """Return every market that stands still, by name. now_ms: the chain's time."""
    markets = list(Market.objects.exclude(quarantined_block=None).order_by("name"))
    if not markets:
        return ()
    cursor = Cursor.objects.first()
    newest = cursor.block_number if cursor else 0
    epochs = list(Epoch.objects.select_related("program").filter(state__in=[Epoch.State.LIVE, Epoch.State.SCHEDULED]))
    named = {epoch.pk: frozenset(json.loads(epoch.terms_json)["markets"]) for epoch in epochs}
    asked = {row.market_id: row for row in Rederivation.objects.filter(done_at=None).select_related("asked_by")}
    return tuple(
        QuarantinedMarket(
            id=market.pk, name=market.name, address=market.address, block=block, reason=market.quarantine_reason,
            blocks_after=max(0, newest - block + 1), log=_log(market, block),
            epochs=_waiting([epoch for epoch in epochs if market.name in named[epoch.pk]], now_ms),
            asked=asked.get(market.pk),
        )
        for market in markets
        if (block := market.quarantined_block) is not None
    )  # fmt: skip


def rederivations(*, most: int = 20) -> tuple[Rederivation, ...]:
    """Return the newest requests to derive a market again that were done, with their market and person."""
    done = Rederivation.objects.exclude(done_at=None).select_related("market", "asked_by")
    return tuple(done[:most])


def _log(market: Market, block: int) -> RawLog | None:
    found = _LOG.match(market.quarantine_reason)
    if found is None:
        return None
    return RawLog.objects.filter(block_number=block, log_index=int(found[1]), address=market.address).first()


def _waiting(epochs: Sequence[Epoch], now_ms: int) -> tuple[WaitingEpoch, ...]:
    return tuple(
        WaitingEpoch(
            program_name=epoch.program.name, slug=epoch.program.slug, number=epoch.number, end_ms=epoch.end_ms,
            is_over=epoch.end_ms <= now_ms,
        )
        for epoch in sorted(epochs, key=lambda epoch: (epoch.end_ms, epoch.pk))
    )  # fmt: skip
