"""Attesting: work an epoch out from the chain, and say on the chain that it comes to the digest that is proposed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from onchain.direct import send_and_wait
from onchain.distributor import NO_ROOT, attest_calldata, epoch_digest, read_epoch, read_summary
from onchain.rpc import RpcClient
from onchain.transactions import RefusedByContractError, Sender
from rewards.engine.evidence import read_terms
from rewards.errors import AttestationRefusedError
from rewards.services.recompute import TERMS, read_manifest, recompute

ALREADY = "attested already"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """What was attested. tx_hash: empty when this attestor had attested it before."""

    epoch: int
    digest: str
    tx_hash: str


def attest(
    client: RpcClient,
    *,
    bundle: Path,
    sender: Sender,
    wait_s: float,
    progress: Callable[[int], None] = lambda number: None,
) -> Attestation:
    """Recompute a bundle from the chain and attest the proposal if it is exactly that; again is as good as once.

    Raises AttestationRefusedError with the first thing that differs, RefusedByContractError when the sender is no
    attestor, and the errors of recompute and of sending.
    """
    result = recompute(client, bundle=bundle, progress=progress)
    if not result.ok:
        raise AttestationRefusedError(reason=str(result.difference or result.report.difference).rstrip("."))
    if result.report.root is None:
        raise AttestationRefusedError(reason="by its evidence the epoch pays nobody, so there is nothing to propose")
    manifest = read_manifest(bundle)
    distributor = str(manifest["distributor"])
    summary = read_summary(client=client, distributor=distributor)
    number = summary.active_epoch + 1
    proposed = read_epoch(client=client, distributor=distributor, epoch=number)
    tokens, increments = _increments(bundle)
    digest = epoch_digest(
        chain_id=manifest["chain_id"], distributor=distributor, epoch=number, root=result.report.root,
        parent_root=manifest["previous_root"] or NO_ROOT, manifest_hash=result.report.manifest_hash, tokens=tokens,
        increments=increments,
    )  # fmt: skip
    if proposed.state != "proposed":
        raise AttestationRefusedError(reason=f"epoch {number} of the distributor is {proposed.state}, not proposed")
    if proposed.digest != digest:
        raise AttestationRefusedError(reason=f"the chain proposes {proposed.digest}, the recomputation gives {digest}")
    try:
        tx_hash = send_and_wait(
            client, sender=sender, purpose="attest", to=distributor,
            data=attest_calldata(epoch=number, digest=digest), wait_s=wait_s,
        )  # fmt: skip
    except RefusedByContractError as error:
        if error.reason != ALREADY:
            raise
        tx_hash = ""
    return Attestation(epoch=number, digest=digest, tx_hash=tx_hash)


def _increments(bundle: Path) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the proposal's tokens and increments as the trees in the bundle give them."""
    tree = json.loads((bundle / "tree.json").read_bytes())
    total = sum(int(row["value"][2]) for row in tree["values"])
    previous = bundle / "previous_cumulative.json"
    before = sum(int(row[2]) for row in json.loads(previous.read_bytes())) if previous.exists() else 0
    return (read_terms(bundle / TERMS).token,), (total - before,)
