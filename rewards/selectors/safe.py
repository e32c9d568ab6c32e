"""The treasury's Safe on its page: what is to be signed, word by word, and who has."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from onchain.models_tx import ChainSafe
from onchain.safe import DELEGATE_CALL, SafeTx
from rewards.models import Epoch, SafeTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerRow:
    """An owner of the Safe and how it has signed; empty: not yet."""

    address: str
    signed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeTransactionView:
    """A Safe transaction: every field that its hash binds, the calls in it, and where it is."""

    nonce: int
    to: str
    data: str
    operation: int
    is_batch: bool
    calls: tuple[dict[str, Any], ...]
    hash: str
    state: str
    state_label: str
    note: str
    tx_hash: str
    typed_data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeView:
    """The Safe as the chain last had it, and its transaction for an epoch, None while there is nothing to sign."""

    address: str
    version: str
    threshold: int
    owners: tuple[OwnerRow, ...]
    looked_at: dt.datetime
    transaction: SafeTransactionView | None

    @property
    def signed(self) -> int:
        """How many of those who are owners now have signed."""
        return sum(1 for owner in self.owners if owner.signed)


def safe_view(*, epoch: Epoch, treasury: str) -> SafeView | None:
    """Return the treasury's Safe for an epoch's page, None when the treasury is not a Safe; four queries."""
    safe = ChainSafe.objects.filter(chain_id=epoch.program.chain_id, address=treasury).first()
    if safe is None:
        return None
    stored = safe_transaction(epoch=epoch)
    signed = {row.owner: str(row.get_kind_display()) for row in stored.signatures.all()} if stored else {}
    return SafeView(
        address=safe.address,
        version=safe.version,
        threshold=safe.threshold,
        owners=tuple(OwnerRow(address=owner, signed=signed.get(owner, "")) for owner in safe.owners),
        looked_at=safe.looked_at,
        transaction=_transaction(stored) if stored else None,
    )


def safe_transaction(*, epoch: Epoch) -> SafeTransaction | None:
    """Return the newest Safe transaction for what the epoch is now, None when there is none."""
    rows = epoch.safe_transactions.filter(digest=epoch.digest).exclude(state=SafeTransaction.State.REPLACED)
    return rows.select_related("transaction", "epoch__program").order_by("-id").first()


def _transaction(stored: SafeTransaction) -> SafeTransactionView:
    built = SafeTx(
        chain_id=stored.epoch.program.chain_id, safe=stored.safe, to=stored.to, data=stored.data,
        operation=stored.operation, nonce=stored.nonce,
    )  # fmt: skip
    return SafeTransactionView(
        nonce=stored.nonce,
        to=stored.to,
        data=stored.data,
        operation=stored.operation,
        is_batch=stored.operation == DELEGATE_CALL,
        calls=tuple(stored.calls),
        hash=stored.safe_tx_hash,
        state=stored.state,
        state_label=str(stored.get_state_display()),
        note=stored.note,
        tx_hash=stored.transaction.tx_hash if stored.transaction else "",
        typed_data=built.typed_data,
    )
