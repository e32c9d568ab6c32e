"""What an account has collected, by the chain's word: one collection with what it was for, and a year of them."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from onchain.models_tx import ChainClaim
from rewards.errors import NotFoundError
from rewards.models import Entitlement, Epoch, Payment, Program
from rewards.selectors.vaults import vault_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One payment that the chain recorded. amount: in the smallest unit of the programme's token."""

    program_slug: str
    program_name: str
    token: str
    token_symbol: str
    token_decimals: int
    chain_id: int
    distributor: str
    account: str
    recipient: str
    caller: str
    amount: int
    cumulative: int
    time_ms: int
    tx_hash: str
    log_index: int
    block_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForRow:
    """One maker's epoch that a collection paid for; vault: the vault's name, empty for directly."""

    epoch_number: int
    start_ms: int
    end_ms: int
    maker: str
    vault: str
    amount: int


def collection_get(*, account: str, tx_hash: str, log_index: int) -> Collection:
    """Return one collection of an account. Raises NotFoundError."""
    rows = ChainClaim.objects.filter(account=account.lower(), tx_hash=tx_hash.lower(), log_index=log_index)
    for found in _collections(rows.select_related("distributor")):
        return found
    raise NotFoundError(kind="receipt of this address", name=tx_hash)


def collections_of_year(*, account: str, year: int) -> list[Collection]:
    """Return what an account collected in a year of UTC, oldest first, over all programmes; in two queries."""
    first, last = (int(dt.datetime(each, 1, 1, tzinfo=dt.UTC).timestamp()) * 1000 for each in (year, year + 1))
    rows = ChainClaim.objects.filter(account=account.lower(), time_ms__gte=first, time_ms__lt=last)
    return _collections(rows.select_related("distributor").order_by("time_ms", "block_number", "log_index"))


def paid_for(*, collection: Collection) -> tuple[ForRow, ...]:
    """Return what a collection was for, oldest first, in three queries.

    It paid from what the account had been paid before up to its cumulative amount: the epochs whose cumulative amounts
    lie in between. Empty when those don't sum to the amount, for instance where an older epoch is not known here.
    """
    before = collection.cumulative - collection.amount
    leaves = Entitlement.objects.filter(
        account=collection.account,
        token=collection.token,
        epoch__program__slug=collection.program_slug,
        epoch__state=Epoch.State.ACTIVE,
        cumulative__gt=before,
        cumulative__lte=collection.cumulative,
        increment__gt=0,
    )
    epochs = set(leaves.values_list("epoch_id", flat=True))
    payments = list(
        Payment.objects.filter(epoch__in=epochs, account=collection.account)
        .select_related("epoch")
        .order_by("epoch__number", "maker", "vault")
    )
    if sum(payment.amount for payment in payments) != collection.amount:
        return ()
    names = vault_names(epochs=epochs)
    return tuple(
        ForRow(
            epoch_number=payment.epoch.number,
            start_ms=payment.epoch.start_ms,
            end_ms=payment.epoch.end_ms,
            maker=payment.maker,
            vault=names.get((payment.epoch_id, payment.vault), "") if payment.vault else "",
            amount=payment.amount,
        )
        for payment in payments
    )


def _collections(rows: Iterable[ChainClaim]) -> list[Collection]:
    """Name the programme of each claim; claims of tokens that no programme has are nobody's reward."""
    programs = {(each.chain_id, each.distributor, each.token): each for each in Program.objects.all()}
    found = []
    for row in rows:
        program = programs.get((row.distributor.chain_id, row.distributor.address, row.token))
        if program is not None:
            found.append(
                Collection(
                    program_slug=program.slug,
                    program_name=program.name,
                    token=program.token,
                    token_symbol=program.token_symbol,
                    token_decimals=program.token_decimals,
                    chain_id=program.chain_id,
                    distributor=program.distributor,
                    account=row.account,
                    recipient=row.recipient,
                    caller=row.caller,
                    amount=row.amount,
                    cumulative=row.cumulative,
                    time_ms=row.time_ms,
                    tx_hash=row.tx_hash,
                    log_index=row.log_index,
                    block_number=row.block_number,
                )
            )
    return found
