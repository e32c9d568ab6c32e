"""`manage.py signers`: which account each hot key is, where the key is kept, and whether it has gas and its role."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from onchain.distributor import read_summary
from onchain.errors import OnchainError
from onchain.indexer import node
from onchain.rpc import RpcClient
from onchain.signers import SignerConfig, signer_config
from rewards.models import Program

WEI = 10**18


class Command(BaseCommand):
    """Look at every role; nothing is signed or sent."""

    help = "Show the account, the balance and the role of every hot key that the settings give."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each role."""
        client = node()
        try:
            for role in settings.SIGNERS:
                self.stdout.write(f"{role.lower():<9} {self._line(client, signer_config(role))}")
        finally:
            client.close()

    def _line(self, client: RpcClient, config: SignerConfig) -> str:
        if not config.is_set:
            return f"has no key here ({config.role}_KEY, {config.role}_KEYSTORE or {config.role}_SIGNER_URL)"
        try:
            address = config.signer().address
            wei = int(client.call(method="eth_getBalance", params=[address, "latest"]), 16)
            return (
                f"{address}, {wei // WEI}.{wei % WEI // 10**14:04d} for gas{self._role(client, config.role, address)}"
            )
        except OnchainError as error:
            return str(error)

    def _role(self, client: RpcClient, role: str, address: str) -> str:
        if role == "RELAYER":
            return ""
        lines = []
        for program in Program.objects.all():
            summary = read_summary(client=client, distributor=program.distributor)
            holds = address == summary.proposer if role == "PROPOSER" else address in summary.attestors
            lines.append(f"; {program.slug}: {'has the role' if holds else 'does NOT have the role on the chain'}")
        return "".join(lines)
