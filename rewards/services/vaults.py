"""Vaults of makers: naming one, and the weights of an epoch's holders from the token's transfers.

Source: docs/vaults.md.
"""

from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass, field, replace

from django.db import transaction

from accounts import eligibility
from accounts.errors import IneligibleError
from accounts.fields import address_pattern
from accounts.models import Maker
from accounts.roles import Deed, Person, may, names_payouts, require
from accounts.services import change_note
from onchain.indexer import node
from onchain.models import WatchedContract
from onchain.models_tx import ChainDistributor
from onchain.rpc import RpcClient
from onchain.selectors import first_block, last_block_before
from onchain.services import contract_watch
from onchain.share_columns import ShareTransfers
from onchain.share_views import check_balances, contracts_among, describe_shares
from onchain.shares import share_start, share_transfers, shares_ready
from rewards.engine.scoring import Result
from rewards.engine.timeweights import TimeWeights, Transfers, time_weights
from rewards.engine.vaults import NOBODY, Vaults
from rewards.errors import EpochStateError, NotAllowedError, NotYetError, VaultRefusedError
from rewards.models import Epoch, EpochVault, MakerVault, Program
from rewards.selectors.vaults import vaults_named
from rewards.services.boundary import boundary_hold
from rewards.services.notices.warning import pay_warn

Client = Callable[[], RpcClient]
MOST_BLOCKS_OLDER = 1_000_000
"""A maker's own admins name tokens that are at most so many blocks older than the index: all of them are fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldVault:
    """A share token at the end of an epoch. contracts: holders that are contracts. checked: balances asked for.

    left_out: holders without a weight because they are on the sanctions list.
    """

    start_block: int
    found: TimeWeights
    contracts: tuple[str, ...] = ()
    checked: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def source(self) -> dict[str, object]:
        """Return what the manifest says of it, for whoever reads its transfers again."""
        return {"start_block": self.start_block} | ({"left_out": list(self.left_out)} if self.left_out else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultsOfEpoch:
    """The vaults in force in an epoch: the engine's form, the rows that name them, and each token as it was held."""

    vaults: Vaults = field(default_factory=Vaults)
    named: tuple[MakerVault, ...] = ()
    held: dict[str, HeldVault] = field(default_factory=dict)

    def paid_through(self, counted: Vaults) -> "VaultsOfEpoch":
        """Return only those that pay somebody: the vault of a maker whose pay is withheld does not."""
        vaults = {vault for vault, _ in counted.operators}
        return VaultsOfEpoch(
            vaults=counted,
            named=tuple(row for row in self.named if (row.vault, row.maker.slug) in counted.operators),
            held={vault: each for vault, each in self.held.items() if vault in vaults},
        )


def vault_name(*, by: Person, maker: Maker, vault: str, operator: str, now_ms: int, client: RpcClient) -> MakerVault:
    """Have a maker's pay go through a vault from the next epoch on; now_ms is the chain's time (ms, UTC).

    The maker's admins do it; operators only for a maker that has no admin yet, as with payout accounts. The token's
    logs are read from its deployment on. Raises NotAllowedError, VaultRefusedError, IneligibleError for an account on
    the sanctions list, ShareTokenError and the client's errors.
    """
    _require(by, maker)
    vault, operator = vault.strip().lower(), operator.strip().lower()
    for value in (vault, operator):
        if not address_pattern.fullmatch(value):
            raise VaultRefusedError(reason=f"{value[:60]!r} is not an address: 0x and 40 hex digits")
    if operator in (vault, NOBODY):
        raise VaultRefusedError(reason="the operator has to be an account of its own, which can collect")
    taken = {NOBODY, *_cannot_collect()}
    if vault in taken or operator in taken:
        raise VaultRefusedError(reason="a reward token or a distributor is neither a vault nor an operator")
    if listed := eligibility.listed([vault, operator]):
        raise IneligibleError(reasons=list(listed.values()))
    token = describe_shares(client, address=vault)
    older = first_block() - token.start_block
    if older > MOST_BLOCKS_OLDER and not (may(person=by, deed=Deed.MANAGE_EVERY_MAKER) or _is_read(vault)):
        raise VaultRefusedError(
            reason=f"its token is {older} blocks older than what is indexed, and reading it takes long; ask an "
            f"operator to have it read (manage.py vault_read {vault}), then name it"
        )
    with transaction.atomic():
        # Asked here and not before the node was: meanwhile an epoch may have begun, which keeps what it had.
        since_ms = boundary_hold(now_ms=now_ms)
        contract_watch(address=vault, start_block=token.start_block, label=f"vault {maker.slug}"[:80], whole=True)
        what = f"Pay goes to the holders of {vault}; {operator} gets what can't be split."
        change_note(maker=maker, by=by, what=what)
        pay_warn(maker=maker, by=by, what=what, page="maker-vault")
        return MakerVault.objects.create(
            maker=maker, vault=vault, operator=operator, name=token.name or token.symbol, since_ms=since_ms,
            named_by=by if by.is_authenticated else None,
        )  # fmt: skip


def vault_read(*, by: Person, vault: str, client: RpcClient) -> int:
    """Have a share token read from its deployment on, so that makers' admins can name it however old it is.

    Returns the block of its deployment. An operator does it. Raises NotPermittedError, VaultRefusedError,
    ShareTokenError and the client's errors.
    """
    require(person=by, deed=Deed.MANAGE_EVERY_MAKER)
    vault = vault.strip().lower()
    if not address_pattern.fullmatch(vault):
        raise VaultRefusedError(reason=f"{vault[:60]!r} is not an address: 0x and 40 hex digits")
    token = describe_shares(client, address=vault)
    contract_watch(address=vault, start_block=token.start_block, label="vault", whole=True)
    return token.start_block


@transaction.atomic
def vault_drop(*, by: Person, maker: Maker, epoch: Epoch, reason: str) -> MakerVault:
    """Have a maker paid at its payout accounts in an epoch that is not scored yet, and from then on.

    For a vault that turned out to be none and holds up everybody's pay; an operator does it and says why. Raises
    NotPermittedError, VaultRefusedError, EpochStateError.
    """
    require(person=by, deed=Deed.MANAGE_EVERY_MAKER)
    if not reason.strip():
        raise VaultRefusedError(reason="dropping one needs a reason, for whoever asks later")
    locked = Epoch.objects.select_for_update().get(pk=epoch.pk)
    if locked.state not in (Epoch.State.SCHEDULED, Epoch.State.LIVE):
        raise EpochStateError(number=locked.number, state="scored")
    locked.retry_at = None
    locked.save(update_fields=["retry_at"])
    what = f"From epoch {locked.number} of {locked.program.name} on pay goes to the payout accounts, not to the vault."
    change_note(maker=maker, by=by, what=what, reason=reason)
    pay_warn(maker=maker, by=by, what=what, reason=reason.strip()[:300], page="maker-vault")
    return MakerVault.objects.create(
        maker=maker, since_ms=locked.start_ms, named_by=by if by.is_authenticated else None, reason=reason.strip()
    )


@transaction.atomic
def vault_end(*, by: Person, maker: Maker, now_ms: int) -> MakerVault:
    """Have a maker paid at its payout accounts again from the next epoch on. Raises NotAllowedError."""
    _require(by, maker)
    since_ms = boundary_hold(now_ms=now_ms)
    what = "Pay goes to the payout accounts again, no longer to a vault's holders."
    change_note(maker=maker, by=by, what=what)
    pay_warn(maker=maker, by=by, what=what, page="maker-vault")
    return MakerVault.objects.create(maker=maker, since_ms=since_ms, named_by=by if by.is_authenticated else None)


def _require(by: Person, maker: Maker) -> None:
    if not names_payouts(person=by, maker=maker):
        raise NotAllowedError(what=f"Naming a vault of {maker.name}", who="its admins")


def _is_read(vault: str) -> bool:
    return WatchedContract.objects.filter(address=vault, whole=True).exists()


# --- an epoch's holders ------------------------------------------------------------------------------------------


def vaults_wait(*, epoch: Epoch) -> None:
    """Raise NotYetError until all transfers of the epoch's vaults are stored, verified and final."""
    last = last_block_before(time_ms=epoch.end_ms)
    for row in vaults_named(start_ms=epoch.start_ms):
        if last is None or not shares_ready(token=row.vault, through_block=last.number):
            waits_for = f"the transfers of the vault {row.vault} of {row.maker.slug} to be read and final"
            raise NotYetError(what=f"Scoring epoch {epoch.number}", waits_for=waits_for)


def vaults_of(*, epoch: Epoch, connect: Client = node) -> VaultsOfEpoch:
    """Return an epoch's vaults with their holders' weights, held against the tokens' own view at its last block.

    A node is asked only when there is a vault. Raises NegativeBalanceError, ShareBalanceError, ShareTokenError,
    SharesNotIndexedError and the client's errors.
    """
    named = vaults_named(start_ms=epoch.start_ms)
    last = last_block_before(time_ms=epoch.end_ms)
    if not named or last is None:
        return VaultsOfEpoch()
    with closing(connect()) as client:
        held = {vault: _held(client, vault, epoch, last.number) for vault in sorted({row.vault for row in named})}
    return VaultsOfEpoch(
        vaults=Vaults(
            operators={(row.vault, row.maker.slug): row.operator for row in named},
            holders={vault: each.found.weights for vault, each in held.items() if each.found.weights},
        ),
        named=tuple(named),
        held=held,
    )


def _held(client: RpcClient, vault: str, epoch: Epoch, block: int) -> HeldVault:
    found = time_weights(
        engine_transfers(share_transfers(token=vault, through_block=block)), vault=vault, start_ms=epoch.start_ms,
        end_ms=epoch.end_ms, excluded=not_holders(token=epoch.program.token, distributor=epoch.program.distributor),
    )  # fmt: skip
    checked = check_balances(client, token=vault, balances=found.balances, supply=found.supply, block=block)
    # Anybody can send shares to a listed account: it must hold up nobody's pay, so it has no weight.
    listed = eligibility.sanctions_now().names
    left_out = tuple(sorted(found.weights.keys() & listed.keys()))
    found = replace(found, weights={account: each for account, each in found.weights.items() if account not in listed})
    contracts = tuple(contracts_among(client, accounts=found.weights, block=block))
    return HeldVault(
        start_block=share_start(token=vault), found=found, contracts=contracts, checked=checked, left_out=left_out
    )


def engine_transfers(read: ShareTransfers) -> Transfers:
    """Return transfers in the engine's own columns."""
    return Transfers(
        block=read.block, time_ms=read.time_ms, sender=read.sender, receiver=read.receiver, value=read.value,
        accounts=read.accounts,
    )  # fmt: skip


def not_holders(*, token: str, distributor: str) -> Collection[str]:
    """Return the programme's own contracts, which could never collect: shares sent there weigh nothing."""
    return {token, distributor}


def _cannot_collect() -> set[str]:
    programs = Program.objects.values_list("token", "distributor")
    return {address for pair in programs for address in pair} | set(
        ChainDistributor.objects.values_list("address", flat=True)
    )


def vault_rows_store(*, epoch: Epoch, held: VaultsOfEpoch, result: Result) -> None:
    """Store what an epoch's vaults came to, in the transaction that stores its result."""
    EpochVault.objects.filter(epoch=epoch).delete()
    for row in held.named:
        each = held.held[row.vault]
        parts = [part for part in result.parts if part.maker == row.maker.slug and part.vault == row.vault]
        amount, total = sum(part.amount for part in parts), sum(each.found.weights.values())
        floors = sum(amount * weight // total for weight in each.found.weights.values())
        EpochVault.objects.create(
            epoch=epoch, maker=row.maker.slug, vault=row.vault, operator=row.operator, name=row.name,
            holders=len(each.found.weights), supply=each.found.supply, amount=amount,
            dust=amount - floors, contracts=list(each.contracts), balances_checked=each.checked,
        )  # fmt: skip
