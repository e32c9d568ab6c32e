"""Claims on behalf of their accounts: a dry run that names whoever can't be paid, and the batch's one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, F, Sum, When

from onchain.distributor import ClaimItem, claim_calldata, claim_many_calldata
from onchain.errors import RpcRefusedError
from onchain.models_tx import OutgoingTransaction
from onchain.rpc import RpcClient
from onchain.transactions import Sender, prepare, revert_reason


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a batch would come to. refused: account to the contract's reason, of those whose claim would revert.

    fits_together: False when each passes alone and all together do not: too much for one transaction, or the chain
    has moved meanwhile. Nobody is at fault then.
    """

    refused: dict[str, str]
    fits_together: bool


def dry_run(client: RpcClient, *, sender: Sender, distributor: str, items: Sequence[ClaimItem]) -> DryRun:
    """Try a batch without sending it; where it would revert, each of its claims.

    A claim that has nothing left is no refusal: the contract skips it in a batch.
    """
    try:
        _dry_run(client, sender=sender, to=distributor, data=claim_many_calldata(items=items))
    except RpcRefusedError:
        refused = {item.account: reason for item in items if (reason := _refusal(client, sender, distributor, item))}
        return DryRun(refused, fits_together=bool(refused))
    return DryRun({}, fits_together=True)


def prepare_batch(
    client: RpcClient, *, sender: Sender, distributor: str, items: Sequence[ClaimItem], purpose: str
) -> OutgoingTransaction:
    """Sign and store the `claim_many` of these items (1 to 100); see `transactions.prepare`."""
    return prepare(client, sender=sender, purpose=purpose, to=distributor, data=claim_many_calldata(items=items))


def gas_spent(*, sender: Sender, since: datetime, purpose_prefix: str) -> int:
    """Return the gas of what the sender has sent since then: used where it is mined, the limit where it is not yet."""
    rows = OutgoingTransaction.objects.filter(
        chain_id=sender.chain_id, sender=sender.address, created_at__gte=since, purpose__startswith=purpose_prefix
    )
    spent = Case(When(gas_used__isnull=False, then=F("gas_used")), default=F("gas_limit"))
    return int(rows.aggregate(total=Sum(spent))["total"] or 0)


def _refusal(client: RpcClient, sender: Sender, distributor: str, item: ClaimItem) -> str:
    data = claim_calldata(account=item.account, token=item.token, cumulative=item.cumulative, proof=item.proof)
    try:
        _dry_run(client, sender=sender, to=distributor, data=data)
    except RpcRefusedError as error:
        reason = revert_reason(error)
        return "" if reason == "nothing to claim" else reason
    return ""


def _dry_run(client: RpcClient, *, sender: Sender, to: str, data: str) -> None:
    client.call(method="eth_call", params=[{"from": sender.address, "to": to, "data": data}, "latest"])
