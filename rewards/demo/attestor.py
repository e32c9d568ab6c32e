"""The demo's attestor: a process of its own with its own key, which works every proposal out again from the chain."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from config import embedded
from onchain.models_tx import ChainEpoch
from rewards.models import Epoch, Program
from rewards.services.checks import approval_is_safe


class Attestor:
    """Looks at what is proposed and runs `manage.py attest` for it, beside everything else. A context manager."""

    def __init__(self, *, program: Program, rpc_url: str, log: Path) -> None:
        self._program, self._rpc_url, self._log = program, rpc_url, log
        self._running: subprocess.Popen[bytes] | None = None
        self._digest, self._done = "", set[str]()

    def look(self) -> None:
        """Begin with a proposal that has not been attested; call it often. One that fails is tried again."""
        if self._running is not None:
            if self._running.poll() is None:
                return
            if self._running.returncode == 0:
                self._done.add(self._digest)
            self._running = None
        epoch = self._program.epochs.filter(state=Epoch.State.PROPOSED).order_by("number").first()
        if epoch is not None and epoch.digest not in self._done and not is_attested(epoch):
            self._digest = epoch.digest
            self._start(epoch)

    def _start(self, epoch: Epoch) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        bundle = Path(settings.EVIDENCE_DIR) / epoch.evidence_name
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(  # noqa: S603 - our own program, arguments of our own
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "attest", str(bundle), "--rpc", self._rpc_url],
                cwd=settings.BASE_DIR, stdout=log, stderr=log,
                env={**os.environ, "ATTESTOR_KEY": embedded.test_key("attestor")},
            )  # fmt: skip

    def __enter__(self) -> "Attestor":
        return self

    def __exit__(self, *_: object) -> None:
        if self._running is not None and self._running.poll() is None:
            self._running.terminate()
            self._running.wait(timeout=10)


def is_attested(epoch: Epoch) -> bool:
    """Whether the proposal has the attestations that the contract asks for, as far as our mirror knows."""
    program = epoch.program
    row = ChainEpoch.objects.filter(
        distributor__chain_id=program.chain_id, distributor__address=program.distributor, number=epoch.chain_epoch or 0,
        digest=epoch.digest,
    ).select_related("distributor").first()  # fmt: skip
    return row is not None and row.attestations >= row.distributor.quorum


def is_ready_to_approve(epoch: Epoch) -> bool:
    """Whether the treasury has all that it asks for before it decides."""
    return is_attested(epoch) and approval_is_safe(epoch=epoch)
