"""What an account's page shows of one programme: what is ready, on its way and collected."""

from dataclasses import dataclass

from onchain.distributor import claim_calldata
from onchain.models_tx import ChainClaim, ChainDistributor
from rewards.models import ClaimRequest, Entitlement, Program
from rewards.selectors.earned import EarnedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingRow:
    """Money on its way, in the token's smallest unit. stage: adding-up, checking, waiting (for the treasury), delay.

    `ready_at_ms` is when it can be collected at the earliest, None when nobody can say yet: certain in the delay, and
    what is expected, if nothing holds it up, in all other stages.
    """

    epoch_number: int
    start_ms: int
    end_ms: int
    stage: str
    amount: int
    is_estimate: bool
    ready_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedRow:
    """One collection, as the chain recorded it."""

    amount: int
    time_ms: int
    tx_hash: str
    log_index: int
    block_number: int
    recipient: str
    caller: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """The latest request to collect without gas; state: waiting, sent, done, failed."""

    id: int
    state: str
    state_label: str
    cumulative: int
    tx_hash: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCollect:
    """What a wallet sends to collect without us: no field of it is secret, and anybody may send it."""

    to: str
    calldata: str
    chain_id: int
    cumulative: int
    proof: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimView:
    """One programme on an account's page. ready = cumulative granted by the active root - collected."""

    program_slug: str
    program_name: str
    token: str
    token_symbol: str
    token_decimals: int
    distributor: str
    paused: bool
    ready: int
    collected: int
    self_collect: SelfCollect | None
    by_itself: bool
    request: RequestRow | None
    pending: tuple[PendingRow, ...]
    history: tuple[CollectedRow, ...]
    earned: tuple[EarnedRow, ...]

    @property
    def pending_total(self) -> int:
        """All that is still on its way."""
        return sum(row.amount for row in self.pending)


def claim_view(
    *,
    program: Program,
    distributor: ChainDistributor | None,
    account: str,
    claims: list[ChainClaim],
    entitlement: Entitlement | None,
    request: ClaimRequest | None,
    pending: list[PendingRow],
    earned: list[EarnedRow],
    by_itself: bool,
) -> ClaimView:
    """Make the row of a programme from what is stored; claims: of its token alone, by the chain's order."""
    collected = sum(row.amount for row in claims)
    ready = max(0, entitlement.cumulative - collected) if entitlement else 0
    return ClaimView(
        program_slug=program.slug,
        program_name=program.name,
        token=program.token,
        token_symbol=program.token_symbol,
        token_decimals=program.token_decimals,
        distributor=program.distributor,
        paused=distributor.paused if distributor else False,
        ready=ready,
        collected=collected,
        by_itself=by_itself,
        self_collect=_self_collect(program=program, entitlement=entitlement) if entitlement and ready else None,
        request=None if request is None else _request_row(request),
        pending=tuple(pending),
        history=tuple(_collected_row(row) for row in reversed(claims)),
        earned=tuple(earned),
    )


def _self_collect(*, program: Program, entitlement: Entitlement) -> SelfCollect:
    return SelfCollect(
        to=program.distributor,
        calldata=claim_calldata(
            account=entitlement.account,
            token=entitlement.token,
            cumulative=entitlement.cumulative,
            proof=entitlement.proof,
        ),
        chain_id=program.chain_id,
        cumulative=entitlement.cumulative,
        proof=tuple(entitlement.proof),
    )


def _request_row(row: ClaimRequest) -> RequestRow:
    return RequestRow(
        id=row.pk,
        state=row.state,
        state_label=str(ClaimRequest.State(row.state).label),
        cumulative=row.cumulative,
        tx_hash=row.tx_hash,
        note=row.note,
    )


def _collected_row(row: ChainClaim) -> CollectedRow:
    return CollectedRow(
        amount=row.amount,
        time_ms=row.time_ms,
        tx_hash=row.tx_hash,
        log_index=row.log_index,
        block_number=row.block_number,
        recipient=row.recipient,
        caller=row.caller,
    )
