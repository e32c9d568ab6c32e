"""The treasury's pages: what waits for a decision, and one epoch with everything that a decision needs."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from accounts.models import Maker
from onchain.distributor import ApprovalCall, allowance_calldata, approval_call
from onchain.models_tx import ChainClaim, ChainDistributor, ChainEpoch, DistributorEvent
from rewards.models import Alarm, Epoch, EpochCheck, Payment
from rewards.selectors.checks import CheckRow, check_rows, checks_stage
from rewards.selectors.review import ReviewState, mending_hindrance, review_state
from rewards.selectors.review_window import ReviewWindow, review_window
from rewards.selectors.rows import EpochRow, epoch_row
from rewards.selectors.standings import StandingRow, standings
from rewards.selectors.vaults import VaultRow, epoch_vaults


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientRow:
    """One account that gains in this epoch, in the token's smallest unit; `makers` are the ids it is paid for."""

    account: str
    makers: tuple[str, ...]
    increment: int
    cumulative: int
    claimed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEventRow:
    """One event of the distributor about this epoch."""

    name: str
    time_ms: int
    block_number: int
    tx_hash: str
    args: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView:
    """What the chain says is proposed. `matches`: all fields are those that we computed from the evidence."""

    chain_epoch: int
    state: str
    digest: str
    root: str
    parent_root: str
    manifest_hash: str
    tokens: tuple[str, ...]
    increments: tuple[int, ...]
    proposed_by: str
    attestations: int
    quorum: int
    activatable_at_s: int | None
    matches: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TreasuryEpoch:
    """One epoch for a decision. `approval` is the call to sign, None unless the treasury can approve now.

    people: who put it forward or sent it back. is_ready: nothing but people is in the way of the approval.
    """

    epoch: EpochRow
    program_name: str
    token: str
    token_symbol: str
    token_decimals: int
    distributor: str
    treasury: str
    delay_s: int
    paused: bool
    checks: tuple[CheckRow, ...]
    checks_stage: str
    recipients: tuple[RecipientRow, ...]
    makers: tuple[StandingRow, ...]
    carried: int
    proposal: ProposalView | None
    people: ReviewState
    is_ready: bool
    approval: ApprovalCall | None
    history: tuple[ChainEventRow, ...]
    alarms: tuple[str, ...]
    vaults: tuple[VaultRow, ...]
    window: ReviewWindow


def treasury_epoch(*, epoch_id: int, now_ms: int) -> TreasuryEpoch:
    """Return one epoch with checks, recipients, the chain's proposal and the call to sign, in seventeen queries."""
    epoch = Epoch.objects.select_related("program").get(pk=epoch_id)
    program = epoch.program
    distributor = ChainDistributor.objects.filter(chain_id=program.chain_id, address=program.distributor).first()
    proposal = _proposal(epoch=epoch, distributor=distributor)
    stage = checks_stage(epoch=epoch)
    checks = check_rows(epoch=epoch, stage=stage)
    window = review_window(epoch=epoch, now_ms=now_ms)
    people = review_state(epoch=epoch)
    is_released = people.put_forward is not None and mending_hindrance(epoch=epoch) is None
    is_ready = (
        proposal is not None
        and proposal.state == ChainEpoch.State.PROPOSED
        and proposal.matches
        and proposal.attestations >= proposal.quorum
        and stage == EpochCheck.Stage.APPROVAL
        and all(check.passed for check in checks)
        and not window.holds
    )
    return TreasuryEpoch(
        epoch=epoch_row(epoch=epoch, now_ms=now_ms),
        program_name=program.name,
        token=program.token,
        token_symbol=program.token_symbol,
        token_decimals=program.token_decimals,
        distributor=program.distributor,
        treasury=distributor.treasury if distributor else "",
        delay_s=distributor.delay_s if distributor else 0,
        paused=distributor.paused if distributor else False,
        checks=checks,
        checks_stage=stage.value,
        recipients=_recipients(epoch=epoch, distributor=distributor),
        makers=tuple(standings(epoch=epoch)),
        carried=epoch.carried_out_total or 0,
        proposal=proposal,
        people=people,
        is_ready=is_ready,
        approval=_approval(epoch=epoch, proposal=proposal) if is_ready and is_released else None,
        history=_history(epoch=epoch, distributor=distributor),
        alarms=tuple(Alarm.objects.filter(program=program, cleared_at=None).values_list("message", flat=True)),
        vaults=epoch_vaults(epoch=epoch),
        window=window,
    )


def wallet_calls(*, review: TreasuryEpoch) -> tuple[dict[str, Any], ...]:
    """Return the calls by which a treasury that is an account approves: the token's allowance, then the approval."""
    if review.approval is None or review.proposal is None:
        return ()
    amount = sum(review.proposal.increments)
    allowance = {
        "to": review.token,
        "function": "approve(address,uint256)",
        "data": allowance_calldata(spender=review.distributor, amount=amount),
        "fields": (
            {"name": "spender", "type": "address", "value": review.distributor},
            {"name": "amount", "type": "uint256", "value": str(amount)},
        ),
    }
    call = review.approval
    approval = {"to": call.to, "function": call.function, "data": call.calldata, "fields": call.fields}
    return allowance, approval


def open_alarms() -> list[str]:
    """Return what needs a person in any programme, newest first, in one query."""
    return list(Alarm.objects.filter(cleared_at=None).values_list("message", flat=True))


def maker_names() -> dict[str, str]:
    """Return every maker's name by id, in one query."""
    return dict(Maker.objects.values_list("slug", "name"))


def _proposal(*, epoch: Epoch, distributor: ChainDistributor | None) -> ProposalView | None:
    if distributor is None or epoch.chain_epoch is None:
        return None
    row = ChainEpoch.objects.filter(distributor=distributor, number=epoch.chain_epoch).first()
    if row is None:
        return None
    return ProposalView(
        chain_epoch=row.number,
        state=row.state,
        digest=row.digest,
        root=row.root,
        parent_root=row.parent_root,
        manifest_hash=row.manifest_hash,
        tokens=tuple(row.tokens),
        increments=tuple(int(amount) for amount in row.increments),
        proposed_by=row.proposed_by,
        attestations=row.attestations,
        quorum=distributor.quorum,
        activatable_at_s=row.activatable_at_s,
        # The digest binds every field, the chain and the contract; ours was computed from the evidence.
        matches=row.digest == epoch.digest,
    )


def _approval(*, epoch: Epoch, proposal: ProposalView | None) -> ApprovalCall | None:
    if proposal is None:
        return None
    return approval_call(distributor=epoch.program.distributor, epoch=proposal.chain_epoch, digest=proposal.digest)


def _recipients(*, epoch: Epoch, distributor: ChainDistributor | None) -> tuple[RecipientRow, ...]:
    makers: dict[str, set[str]] = defaultdict(set)
    for account, maker in Payment.objects.filter(epoch=epoch).values_list("account", "maker"):
        makers[account].add(maker)
    claimed: dict[str, int] = defaultdict(int)
    for account, amount in ChainClaim.objects.filter(distributor=distributor, token=epoch.program.token).values_list(
        "account", "amount"
    ):
        claimed[account] += amount
    rows = epoch.entitlements.filter(increment__gt=0).order_by("-increment", "account")
    return tuple(
        RecipientRow(
            account=row.account,
            makers=tuple(sorted(makers[row.account])),
            increment=row.increment,
            cumulative=row.cumulative,
            claimed=claimed[row.account],
        )
        for row in rows
    )


def _history(*, epoch: Epoch, distributor: ChainDistributor | None) -> tuple[ChainEventRow, ...]:
    if distributor is None or epoch.chain_epoch is None:
        return ()
    rows = DistributorEvent.objects.filter(distributor=distributor, epoch=epoch.chain_epoch)
    return tuple(
        ChainEventRow(
            name=row.name, time_ms=row.time_ms, block_number=row.block_number, tx_hash=row.tx_hash, args=row.args
        )
        for row in rows
    )
