"""How the service is doing, for its status page: the chain, the markets, what waits to be sent, open alarms."""

import datetime as dt
from dataclasses import dataclass

from onchain import selectors as chain
from onchain.models import Alarm as ChainAlarm
from onchain.models import Cursor, Market
from onchain.models_tx import ChainDistributor, OutgoingTransaction
from onchain.status import IndexerStatus, indexer_status
from rewards.models import Alarm, ClaimRequest, Epoch, LiveStanding, Program

OF_CONTRACTS = frozenset(
    {
        *("unknown_proposal", "paused", "wind_down", "treasury_offered", "role_change", "wrong_proposer"),
        "unchecked_approval",
    }
)
"""Alarms that say what everybody can read on the chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketStatus:
    """A market that we read. blocks_behind: blocks read but not yet turned into its events."""

    name: str
    derived_through: int
    blocks_behind: int
    quarantine_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractStatus:
    """A programme's contract and who holds its roles, by the chain's events."""

    program_name: str
    address: str
    treasury: str
    proposer: str
    guardian: str
    attestors: tuple[str, ...]
    quorum: int
    paused: bool
    active_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """The status page. Ages are by this computer's clock, in seconds; None where nothing has happened yet.

    block, final_block: newest block read, newest that can no longer change. blocks_behind: the node has these and
    we don't. standings_behind_ms: how far the live estimates are behind the newest block. program_alarms: those of
    `alarms` that say what the contracts did, which everybody can read on the chain; the others may name our hosts.
    """

    chain_id: int | None
    block: int | None
    block_time_ms: int | None
    final_block: int | None
    blocks_behind: int | None
    looked_age_s: int | None
    markets: tuple[MarketStatus, ...]
    contracts: tuple[ContractStatus, ...]
    has_live_epoch: bool
    standings_behind_ms: int | None
    waiting_claims: int
    oldest_claim_age_s: int | None
    unconfirmed_transactions: int
    alarms: tuple[str, ...]
    program_alarms: tuple[str, ...]
    indexer: IndexerStatus | None


def status_view(*, now: dt.datetime) -> StatusView:
    """Return how the service is doing, in some twenty queries. `now` is this computer's time, with its zone."""
    cursor, head, final = Cursor.objects.first(), chain.head(), chain.final_block()
    block = head.number if head else None
    live = Epoch.objects.filter(state=Epoch.State.LIVE)
    newest = (
        LiveStanding.objects.filter(epoch__in=live).order_by("-as_of_ms").values_list("as_of_ms", flat=True).first()
    )
    waiting = list(
        ClaimRequest.objects.filter(state=ClaimRequest.State.WAITING)
        .order_by("created_at")
        .values_list("created_at", flat=True)
    )
    program_alarms = list(Alarm.objects.filter(cleared_at=None).values_list("code", "message"))
    return StatusView(
        chain_id=cursor.chain_id if cursor else None,
        block=block,
        block_time_ms=head.time_ms if head else None,
        final_block=final.number if final else None,
        blocks_behind=max(0, cursor.head_number - block) if cursor and block is not None else None,
        looked_age_s=_age_s(cursor.updated_at, now) if cursor else None,
        markets=_markets(block=block),
        contracts=_contracts(),
        has_live_epoch=live.exists(),
        standings_behind_ms=max(0, head.time_ms - newest) if head and newest is not None else None,
        waiting_claims=len(waiting),
        oldest_claim_age_s=_age_s(waiting[0], now) if waiting else None,
        unconfirmed_transactions=OutgoingTransaction.objects.filter(
            state__in=[OutgoingTransaction.State.SIGNED, OutgoingTransaction.State.MINED]
        ).count(),
        program_alarms=tuple(message for code, message in program_alarms if code in OF_CONTRACTS),
        alarms=(
            *ChainAlarm.objects.filter(resolved_at=None).values_list("message", flat=True),
            *(message for _, message in program_alarms),
        ),
        indexer=indexer_status(now=now),
    )


def _markets(*, block: int | None) -> tuple[MarketStatus, ...]:
    return tuple(
        MarketStatus(
            name=market.name,
            derived_through=market.derived_through,
            blocks_behind=0 if block is None else max(0, block - market.derived_through),
            quarantine_reason=market.quarantine_reason,
        )
        for market in Market.objects.order_by("name")
    )


def _contracts() -> tuple[ContractStatus, ...]:
    names = {(row.chain_id, row.distributor): row.name for row in Program.objects.all()}
    return tuple(
        ContractStatus(
            program_name=names[(row.chain_id, row.address)],
            address=row.address,
            treasury=row.treasury,
            proposer=row.proposer,
            guardian=row.guardian,
            attestors=tuple(row.attestors),
            quorum=row.quorum,
            paused=row.paused,
            active_epoch=row.active_epoch,
        )
        for row in ChainDistributor.objects.order_by("address")
        if (row.chain_id, row.address) in names
    )


def _age_s(moment: dt.datetime, now: dt.datetime) -> int:
    return max(0, int((now - moment).total_seconds()))
