"""What an account can collect now, what is still adding up, and what it has collected, by the chain's word."""

from collections import defaultdict

from accounts.selectors_makers import payouts_at
from onchain.models_tx import ChainClaim, ChainDistributor
from rewards.models import AutoCollect, ClaimRequest, Entitlement, Epoch, LiveStanding, Program
from rewards.selectors.claim_rows import ClaimView, PendingRow, claim_view
from rewards.selectors.earned import earned_rows
from rewards.selectors.expected import expected_at_ms
from rewards.selectors.vaults import vaults_named

PPM = 1_000_000


def claim_page(*, account: str, now_ms: int, review_ms: int) -> list[ClaimView]:
    """Return an account's page, programmes by slug, those with nothing for it left out; few queries.

    account: 0x address, any case. now_ms: the chain's time. review_ms: how long a scored epoch can be disputed.
    """
    account = account.lower()
    programs = {program.pk: program for program in Program.objects.all()}
    distributors = {(row.chain_id, row.address): row for row in ChainDistributor.objects.all()}
    claims: dict[int, list[ChainClaim]] = defaultdict(list)
    for claim in ChainClaim.objects.filter(account=account):
        claims[claim.distributor_id].append(claim)
    granted = _granted(account=account)
    delays = {key: row.delay_s for key, row in distributors.items()}
    waits = {key: delays.get((each.chain_id, each.distributor), 0) for key, each in programs.items()}
    pending = _pending(account=account, now_ms=now_ms, review_ms=review_ms, waits_s=waits)
    by_themselves = set(AutoCollect.objects.filter(account=account).values_list("program_id", flat=True))
    earned = earned_rows(account=account)
    requests = {
        row.program_id: row for row in ClaimRequest.objects.filter(account=account).order_by("id")
    }  # the last one of each programme wins
    views = []
    for program in programs.values():
        distributor = distributors.get((program.chain_id, program.distributor))
        collected = claims[distributor.pk] if distributor else []
        view = claim_view(
            program=program,
            distributor=distributor,
            account=account,
            claims=[row for row in collected if row.token == program.token],
            entitlement=granted.get(program.pk),
            request=requests.get(program.pk),
            pending=pending[program.pk],
            earned=earned.get(program.pk, []),
            by_itself=program.pk in by_themselves,
        )
        if view.ready or view.collected or view.pending or view.request or view.earned:
            views.append(view)
    return views


def claimable(*, program: Program, account: str) -> tuple[int, int]:
    """Return (ready, cumulative) of an account under the active root, in two queries; (0, 0) when it has no leaf."""
    entitlement = _granted(account=account, program=program).get(program.pk)
    if entitlement is None:
        return 0, 0
    claimed = collected_total(program=program, account=account)
    return max(0, entitlement.cumulative - claimed), entitlement.cumulative


def collected_total(*, program: Program, account: str) -> int:
    """Return what an account has collected from a programme by the chain's word, in the token's smallest unit."""
    amounts = ChainClaim.objects.filter(
        distributor__chain_id=program.chain_id,
        distributor__address=program.distributor,
        token=program.token,
        account=account,
    ).values_list("amount", flat=True)
    return sum(amounts)


def _granted(*, account: str, program: Program | None = None) -> dict[int, Entitlement]:
    """The account's leaf in each programme's active tree: the newest epoch whose root is active."""
    rows = Entitlement.objects.filter(account=account, epoch__state=Epoch.State.ACTIVE).select_related("epoch")
    if program is not None:
        rows = rows.filter(epoch__program=program)
    newest = rows.order_by("epoch__program_id", "-epoch__number").distinct("epoch__program_id")
    return {row.epoch.program_id: row for row in newest.defer("epoch__terms_json")}


def _pending(*, account: str, now_ms: int, review_ms: int, waits_s: dict[int, int]) -> dict[int, list[PendingRow]]:
    """Return what is on its way by programme; waits_s: each programme's delay after an approval."""

    def row_of(epoch: Epoch, *, stage: str, amount: int) -> PendingRow:
        return PendingRow(
            epoch_number=epoch.number,
            start_ms=epoch.start_ms,
            end_ms=epoch.end_ms,
            stage=stage,
            amount=amount,
            is_estimate=stage == "adding-up",
            ready_at_ms=expected_at_ms(
                state=epoch.state, end_ms=epoch.end_ms, review_until_ms=epoch.review_until_ms,
                activatable_at_s=epoch.activatable_at_s, review_ms=review_ms, delay_s=waits_s[epoch.program_id],
                now_ms=now_ms,
            ),
        )  # fmt: skip

    rows: dict[int, list[PendingRow]] = defaultdict(list)
    stages = {
        Epoch.State.SCORED: "checking",
        Epoch.State.PROPOSED: "waiting",
        Epoch.State.APPROVED: "delay",
        Epoch.State.VETOED: "checking",
    }
    for entitlement in (
        Entitlement.objects.filter(account=account, epoch__state__in=list(stages), increment__gt=0)
        .select_related("epoch")
        .defer("proof", "epoch__terms_json")
        .order_by("epoch__number")
    ):
        epoch = entitlement.epoch
        stage = stages[Epoch.State(epoch.state)]
        rows[epoch.program_id].append(row_of(epoch, stage=stage, amount=entitlement.increment))
    for epoch, amount in _adding_up(account=account):
        rows[epoch.program_id].append(row_of(epoch, stage="adding-up", amount=amount))
    return rows


def _adding_up(*, account: str) -> list[tuple[Epoch, int]]:
    """The account's part of what its makers have accrued in live epochs, before minimum payouts and carries."""
    amounts: dict[int, int] = defaultdict(int)
    epochs = {epoch.pk: epoch for epoch in Epoch.objects.brief().filter(state=Epoch.State.LIVE).order_by("number")}
    shares = {key: _shares_of(account, start_ms=epoch.start_ms) for key, epoch in epochs.items()}
    makers = {maker for of_epoch in shares.values() for maker in of_epoch}
    for row in LiveStanding.objects.filter(epoch__in=epochs, maker__in=makers):
        amounts[row.epoch_id] += row.accrued * shares[row.epoch_id].get(row.maker, 0) // PPM
    return [(epoch, amounts[key]) for key, epoch in epochs.items() if amounts[key]]


def _shares_of(account: str, *, start_ms: int) -> dict[str, int]:
    """Return maker to the part of its pay (parts per million) that an account gets of an epoch that starts then.

    Who holds a maker's vault is seen at the epoch's end, and its payout accounts get nothing.
    """
    with_vault = {each.maker.slug for each in vaults_named(start_ms=start_ms)}
    plans = {maker: dict(rows) for maker, rows in payouts_at(start_ms=start_ms).items() if maker not in with_vault}
    return {maker: rows[account] for maker, rows in plans.items() if account in rows}
