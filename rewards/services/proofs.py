"""Proof packs: for every account of the root that pays, one static file with all that it takes to collect without us.

A folder a root, written whole and moved into place; the folder of the root before stays for those who hold its links.
"""

import gzip
import json
import logging
import os
import shutil
import tempfile
from pathlib import Path

from django.conf import settings

from config import failpoints
from onchain.distributor import claim_calldata
from rewards.errors import NotWrittenError
from rewards.models import Entitlement, Epoch, Program
from rewards.services.alarms import alarms_set
from rewards.writing import writing

logger = logging.getLogger(__name__)
VERSION = 1
KEPT_ROOTS = 2


def proof_packs_write(*, program: Program) -> Path | None:
    """Write the packs of the programme's active root unless they are there; returns their folder, None without one.

    Any number of times is as good as once; a crash leaves a folder that no page ever looks at. A disk that takes
    nothing raises an alarm, gives None, and is tried again at the next call.
    """
    active = program.epochs.filter(state=Epoch.State.ACTIVE).order_by("-number").first()
    if active is None or not active.root:
        return None
    folder = Path(settings.PROOFS_DIR) / program.slug / active.root
    hindrance: dict[str, str] = {}
    try:
        with writing(what=f"the proof packs of epoch {active.number}", setting="PROOFS_DIR"):
            _write_all(program, active, folder)
    except NotWrittenError as error:
        logger.error("Proof packs of %s are not written: %s", program.slug, error)
        hindrance = {"PROOFS_DIR": str(error)}
    alarms_set(program=program, code="proofs_not_written", messages=hindrance)
    return None if hindrance else folder


def _write_all(program: Program, active: Epoch, folder: Path) -> None:
    home = folder.parent
    if folder.is_dir():
        return
    home.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".writing-", dir=home))
    failpoints.hit("proofs.begun")
    try:
        for leaf in Entitlement.objects.filter(epoch=active, token=program.token).iterator():
            _write(fresh / f"{leaf.account}.json", _bytes(proof_pack(program=program, epoch=active, leaf=leaf)))
            failpoints.hit("proofs.file_written")
        fresh.chmod(0o755)
        if not folder.exists():
            failpoints.hit("proofs.before_rename")
            fresh.rename(folder)
            failpoints.hit("proofs.renamed")
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    _forget_old(program, home)


def proof_pack(*, program: Program, epoch: Epoch, leaf: Entitlement) -> dict[str, object]:
    """Return what an account's file says."""
    calldata = claim_calldata(
        account=leaf.account, token=leaf.token, cumulative=leaf.cumulative, proof=tuple(leaf.proof)
    )
    return {
        "version": VERSION,
        "program": program.slug,
        "chain_id": program.chain_id,
        "distributor": program.distributor,
        "token": leaf.token,
        "token_symbol": program.token_symbol,
        "token_decimals": program.token_decimals,
        "epoch": epoch.chain_epoch,
        "root": epoch.root,
        "account": leaf.account,
        # A decimal string: JavaScript's numbers end at 2**53.
        "cumulative": str(leaf.cumulative),
        "proof": list(leaf.proof),
        "function": "claim(address,address,uint256,bytes32[])",
        "calldata": calldata,
    }


def _bytes(pack: dict[str, object]) -> bytes:
    return json.dumps(pack, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _write(path: Path, content: bytes) -> None:
    """Write a pack, and packed beside it: packing once costs less than packing for each who asks."""
    path.write_bytes(content)
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content, mtime=0))


def _forget_old(program: Program, home: Path) -> None:
    roots = program.epochs.filter(state=Epoch.State.ACTIVE).order_by("-number").values_list("root", flat=True)
    kept = set(roots[:KEPT_ROOTS])
    for name in os.listdir(home):
        if name not in kept and not name.startswith("."):
            shutil.rmtree(home / name, ignore_errors=True)
