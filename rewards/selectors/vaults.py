"""Vaults: which one each maker's pay goes through, and for the treasury who holds what of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.models import Maker
from onchain.selectors import final_block
from onchain.shares import shares_ready
from rewards.models import Epoch, EpochVault, MakerVault, Payment

TOP_HOLDERS = 10
MOST_CONTRACTS = 50
PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderRow:
    """What a holder gains through a vault in an epoch, in the token's smallest unit; share_ppm: of the vault's pay."""

    account: str
    amount: int
    share_ppm: int
    is_contract: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultRow:
    """A maker's vault in a scored epoch. largest_ppm, top_ppm: what the largest holder and the ten largest gain of it.

    contracts: holders that are contracts, by what they gain, at most MOST_CONTRACTS of contract_count;
    contracts_amount: what all of them gain.
    """

    maker: str
    vault: str
    name: str
    operator: str
    holders: int
    amount: int
    dust: int
    supply: int
    balances_checked: int
    largest_ppm: int
    top_ppm: int
    top: tuple[HolderRow, ...]
    contracts: tuple[HolderRow, ...]
    contract_count: int
    contracts_amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenVault:
    """A maker's choice, newest first: `vault` empty means payout accounts. is_read: its transfers are all read."""

    vault: str
    operator: str
    name: str
    since_ms: int
    named_by: str
    reason: str
    is_read: bool


def vaults_named(*, start_ms: int) -> list[MakerVault]:
    """Return the vaults in force in an epoch that begins at start_ms, by maker, in one query."""
    rows = MakerVault.objects.filter(since_ms__lte=start_ms).select_related("maker")
    newest: dict[int, MakerVault] = {}
    for row in rows.order_by("since_ms", "id"):
        newest[row.maker_id] = row
    return sorted((row for row in newest.values() if row.vault), key=lambda row: row.maker.slug)


def maker_vault_in(*, epoch: Epoch, maker: Maker) -> MakerVault | None:
    """Return the vault that the maker's pay of an epoch goes through, None for payout accounts."""
    rows = MakerVault.objects.filter(since_ms__lte=epoch.start_ms, maker=maker).order_by("-since_ms", "-id")
    row = rows.first()
    return row if row is not None and row.vault else None


def vaults_chosen(*, maker: Maker) -> list[ChosenVault]:
    """Return all choices of a maker, the newest first."""
    final = final_block()
    return [
        ChosenVault(
            vault=row.vault,
            operator=row.operator,
            name=row.name,
            since_ms=row.since_ms,
            named_by=row.named_by.username if row.named_by else "",
            reason=row.reason,
            is_read=bool(row.vault and final and shares_ready(token=row.vault, through_block=final.number)),
        )
        for row in MakerVault.objects.filter(maker=maker).select_related("named_by")
    ]


def epoch_vaults(*, epoch: Epoch) -> tuple[VaultRow, ...]:
    """Return the vaults of a scored epoch, in one query and one more for each."""
    return tuple(_vault_row(epoch, row) for row in EpochVault.objects.filter(epoch=epoch))


def vault_names(*, epochs: Iterable[int]) -> dict[tuple[int, str], str]:
    """Return (epoch id, vault) to the vault's own name, or a part of its address where it has none; in one query."""
    rows = EpochVault.objects.filter(epoch_id__in=list(epochs)).values_list("epoch_id", "vault", "name")
    return {(epoch, vault): name or f"{vault[:6]}…{vault[-4:]}" for epoch, vault, name in rows}


def _vault_row(epoch: Epoch, row: EpochVault) -> VaultRow:
    paid = Payment.objects.filter(epoch=epoch, maker=row.maker, vault=row.vault).order_by("-amount", "account")
    amounts = dict(paid.values_list("account", "amount"))
    # The operator's dust is not a holder's; its own shares may be.
    amounts[row.operator] = amounts.get(row.operator, 0) - row.dust
    contracts = set(row.contracts)
    rows = sorted(
        (
            HolderRow(
                account=account,
                amount=amount,
                share_ppm=amount * PPM // row.amount if row.amount else 0,
                is_contract=account in contracts,
            )
            for account, amount in amounts.items()
            if amount or account in contracts
        ),
        key=lambda each: (-each.amount, each.account),
    )
    odd = [each for each in rows if each.is_contract]
    top = rows[:TOP_HOLDERS]
    return VaultRow(
        maker=row.maker,
        vault=row.vault,
        name=row.name,
        operator=row.operator,
        holders=row.holders,
        amount=row.amount,
        dust=row.dust,
        supply=row.supply,
        balances_checked=row.balances_checked,
        largest_ppm=top[0].share_ppm if top else 0,
        top_ppm=sum(each.amount for each in top) * PPM // row.amount if row.amount else 0,
        top=tuple(top),
        contracts=tuple(odd[:MOST_CONTRACTS]),
        contract_count=len(contracts),
        contracts_amount=sum(each.amount for each in odd),
    )
