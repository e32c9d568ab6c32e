"""Writes the evidence of an epoch's result to disk, whole or not at all."""

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from django.conf import settings

from config import failpoints
from onchain.models import Market
from onchain.selectors import last_block_before, time_source
from rewards.engine.evidence import (
    Inputs,
    ManifestFields,
    write_actions,
    write_inputs,
    write_manifest,
    write_outputs,
)
from rewards.engine.scoring import Result
from rewards.models import Epoch
from rewards.selectors.actions import evidence_actions
from rewards.services.evidence_heads import evidence_head_fix
from rewards.services.gathering import Ground
from rewards.services.revisions import replaced_manifest
from rewards.services.vaults import VaultsOfEpoch

NO_ROOT = "0x" + "00" * 32


def evidence_write(
    *, epoch: Epoch, vaults: VaultsOfEpoch, inputs: Inputs, result: Result, ground: Ground
) -> tuple[str, str, ManifestFields]:
    """Write the bundle beside its place and move it there whole; what is there already stays as it is.

    Returns the manifest's hash (0x, SHA-256), the folder's name and the manifest's fields. Raises OSError when the disk
    does not take it; nothing of it is left behind then.
    """
    home = Path(settings.EVIDENCE_DIR)
    home.mkdir(parents=True, exist_ok=True)
    fields = _manifest(epoch, vaults, inputs, result)
    fresh = Path(tempfile.mkdtemp(prefix=".writing-", dir=home))
    try:
        write_inputs(fresh, inputs)
        failpoints.hit("evidence.inputs_written")
        write_outputs(fresh, inputs, result)
        failpoints.hit("evidence.outputs_written")
        write_actions(fresh, evidence_actions(ground.actions, epoch=epoch, splits=inputs.splits))
        # First without the audit log's head: what scoring gave alone decides which head is named.
        fields = replace(fields, audit=evidence_head_fix(epoch=epoch, content=write_manifest(fresh, fields)))
        manifest_hash = write_manifest(fresh, fields)
        failpoints.hit("evidence.manifest_written")
        _sync(fresh)
        name = f"{epoch.program.slug}-{epoch.number}-{manifest_hash[2:14]}"
        fresh.chmod(0o755)
        if not (home / name).exists():
            failpoints.hit("evidence.before_rename")
            fresh.rename(home / name)
            failpoints.hit("evidence.renamed")
            _sync_folder(home)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return manifest_hash, name, fields


def _manifest(epoch: Epoch, vaults: VaultsOfEpoch, inputs: Inputs, result: Result) -> ManifestFields:
    markets = Market.objects.filter(name__in=list(inputs.terms.markets)).order_by("name")
    last = last_block_before(time_ms=epoch.end_ms)
    return ManifestFields(
        program=epoch.program.slug,
        epoch=epoch.number,
        chain_id=epoch.program.chain_id,
        distributor=epoch.program.distributor,
        venue={
            "markets": {
                market.name: {
                    "adapter": market.adapter,
                    "address": market.address,
                    "start_block": market.start_block,
                    "config": market.config,
                }
                for market in markets
            },
            **({"vaults": {vault: each.source for vault, each in vaults.held.items()}} if vaults.held else {}),
        },
        from_block=min((market.start_block for market in markets), default=0),
        to_block=last.number if last else -1,
        to_block_hash=last.hash if last else NO_ROOT,
        time_source=time_source(
            from_ms=epoch.start_ms,
            to_block=last.number if last else -1,
            event_blocks=np.unique(inputs.events.block).tolist(),
        ),
        root=result.root,
        previous_root=_root_before(epoch),
        replaces=replaced_manifest(epoch=epoch),
    )


def _root_before(epoch: Epoch) -> str | None:
    earlier = Epoch.objects.filter(program_id=epoch.program_id, number__lt=epoch.number).exclude(root="")
    return earlier.order_by("-number").values_list("root", flat=True).first()


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
