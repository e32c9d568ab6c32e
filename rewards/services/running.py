"""Writes down that a worker is alive, and what its hot keys hold: what the status page shows without asking anybody."""

import logging
from datetime import datetime, timedelta

from config import failpoints
from onchain.errors import OnchainError
from onchain.models import Cursor
from onchain.relayer import gas_spent
from onchain.rpc import RpcClient
from onchain.signers import signer_config
from onchain.transactions import current_fees, sender_of
from rewards.models import HotKey, WorkerSeen
from rewards.services.claims import PURPOSE

logger = logging.getLogger(__name__)
A_DAY = timedelta(days=1)


def worker_seen(*, queue: str, worker: str, now: datetime) -> None:
    """Say that a worker took a task from a queue, and forget who has not for a day."""
    WorkerSeen.objects.filter(seen_at__lt=now - A_DAY).delete()
    failpoints.hit("workers.before_seen")
    WorkerSeen.objects.update_or_create(queue=queue, worker=worker[:120], defaults={"seen_at": now})


def key_look(client: RpcClient, *, role: str, now: datetime) -> None:
    """Write down what a role's key holds. role: RELAYER or PROPOSER; a process without that key writes nothing.

    What can't be read becomes a note, and what was read before stays beside it.
    """
    cursor = Cursor.objects.first()
    if cursor is None or not signer_config(role).is_set:
        return
    try:
        sender = sender_of(role, chain_id=cursor.chain_id)
        if sender is None:
            return
        balance = int(client.call(method="eth_getBalance", params=[sender.address, "latest"]), 16)
        fee, _ = current_fees(client)
        gas = gas_spent(sender=sender, since=now - A_DAY, purpose_prefix=PURPOSE) if role == "RELAYER" else 0
    except OnchainError as error:
        logger.warning("The balance of %s can't be read: %s", role, error)
        HotKey.objects.update_or_create(role=role, defaults={"note": str(error), "looked_at": now})
        return
    failpoints.hit("keys.looked")
    found = {"address": sender.address, "balance_wei": balance, "fee_wei": fee, "gas_today": gas}
    HotKey.objects.update_or_create(role=role, defaults={**found, "note": "", "looked_at": now})
