"""`manage.py attest`: recompute a proposed epoch from the chain and attest it with the attestor's key."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from onchain.errors import OnchainError
from onchain.rpc import Policy, connect
from onchain.transactions import sender_of
from onchain.venues import ImpossibleEventError
from rewards.engine.errors import EngineError
from rewards.errors import RewardsError
from rewards.services.attestation import attest


class Command(BaseCommand):
    """For whoever the treasury has appointed; needs evidence, a node and a key, and nothing of ours that runs."""

    help = "Recompute an epoch from its evidence and from the chain, and attest its digest (ATTESTOR_KEY and others)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("bundle", type=Path, help="the evidence's folder")
        parser.add_argument("--rpc", required=True, help="JSON-RPC URL of a node that has the epoch's blocks")
        parser.add_argument("--wait-s", type=float, default=180.0, help="how long to wait for the transaction's block")

    def handle(self, *args: Any, **options: Any) -> None:
        """Attest, or say the first thing that differs."""
        client = connect(urls=[options["rpc"]], policy=Policy(timeout_s=60.0))
        try:
            sender = sender_of("ATTESTOR", chain_id=int(client.call(method="eth_chainId"), 16))
            if sender is None:
                raise CommandError("No key attests: set ATTESTOR_KEY, ATTESTOR_KEYSTORE or ATTESTOR_SIGNER_URL.")
            done = attest(client, bundle=options["bundle"], sender=sender, wait_s=options["wait_s"])
        except (EngineError, OnchainError, RewardsError, ImpossibleEventError) as error:
            raise CommandError(str(error)) from error
        finally:
            client.close()
        how = f"in {done.tx_hash}" if done.tx_hash else "before; there is nothing to do"
        self.stdout.write(f"Epoch {done.epoch} with the digest {done.digest} was attested {how}.")
