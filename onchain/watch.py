"""Mirrors what a distributor's events say into tables; the chain has the last word, so rows of dead blocks go.

Source: docs/distributor.md, Events.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from eth_abi import decode

from config import failpoints
from onchain.contracts import artefact
from onchain.distributor import read_summary
from onchain.keccak import keccak256
from onchain.models import Block, Cursor
from onchain.models_tx import ChainClaim, ChainDistributor, ChainEpoch, ChainRecipient, DistributorEvent
from onchain.rpc import RpcClient
from onchain.selectors import ContractLog, contract_logs, final_block, stored_through

NEW_STATE = {
    "EpochApproved": ChainEpoch.State.APPROVED,
    "EpochActivated": ChainEpoch.State.ACTIVE,
    "EpochVetoed": ChainEpoch.State.VETOED,
    "EpochWithdrawn": ChainEpoch.State.WITHDRAWN,
}
NOBODY = "0x" + "0" * 40
# Events after which roles, delay or the active root may read differently.
ROLE_EVENTS = {"RolesChanged", "TreasuryOffered", "Paused", "Unpaused", "EpochActivated", "WindDownAnnounced"}


def watch(client: RpcClient, *, distributor: ChainDistributor) -> bool:
    """Bring the mirror to what is indexed; returns whether anything changed. Any number of times is as good as once."""
    through = stored_through(address=distributor.address)
    if Cursor.objects.first() is None or through < 0:
        return False
    with transaction.atomic():
        locked = ChainDistributor.objects.select_for_update().get(pk=distributor.pk)
        gone = _forget_dead(locked)
        last = _last_block(locked)
        logs = contract_logs(address=locked.address, from_block=last + 1, to_block=through, final_only=False)
        fresh = [(log, *decoded) for log in logs if (decoded := decode_log(log)) is not None]
        for log, name, args in fresh:
            _store(locked, log, name, args)
            failpoints.hit("watch.stored")
        changed = gone or bool(fresh)
        if changed:
            _fold(locked)
            _fold_recipients(locked)
            failpoints.hit("watch.before_commit")
    if locked.read_at_block < 0 or any(name in ROLE_EVENTS for _, name, _ in fresh) or gone:
        _read_roles(client, locked, at=through, rewound=gone)
        failpoints.hit("watch.roles_read")
    return changed


def decode_log(log: ContractLog) -> tuple[str, dict[str, Any]] | None:
    """Return the event's name and arguments (integers as ints, bytes and addresses as 0x hex); None when unknown."""
    entry = _events().get(log.topics[0]) if log.topics else None
    if entry is None:
        return None
    indexed = [field for field in entry["inputs"] if field["indexed"]]
    plain = [field for field in entry["inputs"] if not field["indexed"]]
    values = [decode([field["type"]], _raw(topic))[0] for field, topic in zip(indexed, log.topics[1:], strict=True)]
    # A contract's string is any bytes, so it is read as bytes: what is no text must not stop the mirror.
    values += decode(["bytes" if field["type"] == "string" else field["type"] for field in plain], _raw(log.data))
    return entry["name"], {
        field["name"]: _shown_text(value) if field["type"] == "string" else _plain(value)
        for field, value in zip(indexed + plain, values, strict=True)
    }


def _events() -> dict[str, dict[str, Any]]:
    found = {}
    for entry in artefact("rewards_distributor").abi:
        if entry["type"] == "event":
            signature = f"{entry['name']}({','.join(field['type'] for field in entry['inputs'])})"
            found["0x" + keccak256(signature.encode()).hex()] = entry
    return found


def _raw(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _shown_text(octets: bytes) -> str:
    """Return a contract's string; U+FFFD stands for bytes that are no UTF-8, and for NUL, which no database keeps."""
    return octets.decode(errors="replace").replace("\0", "\ufffd")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.lower() if isinstance(value, str) and value.startswith("0x") else value


def _forget_dead(distributor: ChainDistributor) -> bool:
    """Drop rows whose block a reorg has left."""
    gone = False
    models: tuple[Callable[..., Any], ...] = (DistributorEvent.objects.filter, ChainClaim.objects.filter)
    for rows in models:
        mirrored = rows(distributor=distributor)
        # No reorg reaches below a final block, so what is older than the newest final row need not be looked at;
        # where even that one is gone, an operator has rewound the index, and all are.
        oldest = _newest_final(mirrored)
        if oldest is not None and _alive({oldest.block_hash}):
            mirrored = mirrored.filter(block_number__gt=oldest.block_number)
        hashes = set(mirrored.values_list("block_hash", flat=True).distinct())
        if dead := hashes - _alive(hashes):
            rows(distributor=distributor, block_hash__in=dead).delete()
            gone = True
    return gone


def _newest_final(mirrored: Any) -> Any:
    final = final_block()
    return None if final is None else mirrored.filter(block_number__lte=final.number).order_by("-block_number").first()


def _alive(hashes: set[str]) -> set[str]:
    return {block.hash for block in Block.objects.filter(canonical=True, hash__in=hashes).only("hash")}


def _last_block(distributor: ChainDistributor) -> int:
    events = DistributorEvent.objects.filter(distributor=distributor).order_by("-block_number").first()
    claims = ChainClaim.objects.filter(distributor=distributor).order_by("-block_number").first()
    return max((row.block_number for row in (events, claims) if row is not None), default=-1)


def _store(distributor: ChainDistributor, log: ContractLog, name: str, args: dict[str, Any]) -> None:
    place: dict[str, Any] = {"distributor": distributor, "block_hash": log.block_hash, "log_index": log.log_index}
    common: dict[str, Any] = {"block_number": log.block_number, "time_ms": log.time_ms, "tx_hash": log.transaction_hash}
    if name == "Claimed":
        fields = ("account", "token", "epoch", "recipient", "caller", "amount", "cumulative")
        ChainClaim.objects.update_or_create(**place, defaults=common | {field: args[field] for field in fields})
        return
    shown = {key: _text(value) for key, value in args.items()}
    DistributorEvent.objects.update_or_create(
        **place, defaults=common | {"name": name, "epoch": args.get("epoch"), "args": shown}
    )


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return [_text(item) for item in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _fold(distributor: ChainDistributor) -> None:
    """Rebuild the state of each epoch number from its events, in their order."""
    epochs: dict[int, ChainEpoch] = {}
    for event in distributor.events.filter(epoch__isnull=False).order_by("block_number", "log_index"):
        number = int(event.epoch or 0)
        if event.name == "EpochProposed":
            epochs[number] = _proposed(distributor, event)
        elif (row := epochs.get(number)) is not None:
            row.state = NEW_STATE.get(event.name, row.state)
            if event.name == "EpochApproved":
                row.activatable_at_s = int(event.args["activatable_at"])
            elif event.name == "EpochAttested":
                row.attestations = int(event.args["count"])
            elif event.name == "EpochVetoed":
                row.reason = event.args["reason"]
            row.last_block, row.last_tx_hash = event.block_number, event.tx_hash
    distributor.epochs.all().delete()
    ChainEpoch.objects.bulk_create(epochs.values())


def _fold_recipients(distributor: ChainDistributor) -> None:
    """Rebuild where each account's claims go from the events, in their order."""
    rows: dict[str, ChainRecipient] = {}
    for event in distributor.events.filter(name="RecipientSet").order_by("block_number", "log_index"):
        account, recipient = event.args["account"], event.args["recipient"]
        rows[account] = ChainRecipient(
            distributor=distributor, account=account, recipient=recipient, last_block=event.block_number
        )
    distributor.recipients.all().delete()
    ChainRecipient.objects.bulk_create(row for row in rows.values() if row.recipient not in (NOBODY, row.account))


def _proposed(distributor: ChainDistributor, event: DistributorEvent) -> ChainEpoch:
    args = event.args
    return ChainEpoch(
        distributor=distributor, number=int(event.epoch or 0), state=ChainEpoch.State.PROPOSED, digest=args["digest"],
        root=args["root"], parent_root=args["parent_root"], manifest_hash=args["manifest_hash"], tokens=args["tokens"],
        increments=args["increments"], proposed_by=args["proposer"], last_block=event.block_number,
        last_tx_hash=event.tx_hash,
    )  # fmt: skip


def _read_roles(client: RpcClient, distributor: ChainDistributor, *, at: int, rewound: bool) -> None:
    """Store what the contract says of its roles now; `at` is the block that made us ask.

    Two may ask at once, and the one that was called for an earlier block must not have the last word. rewound: a
    reorg took blocks back, so that an earlier one is the newest.
    """
    summary = read_summary(client=client, distributor=distributor.address)
    rows = ChainDistributor.objects.filter(pk=distributor.pk)
    if not rewound:
        rows = rows.filter(read_at_block__lte=at)
    rows.update(
        treasury=summary.treasury, proposer=summary.proposer, guardian=summary.guardian, quorum=summary.quorum,
        attestors=list(summary.attestors), delay_s=summary.delay_s, paused=summary.paused,
        next_treasury="" if summary.next_treasury == NOBODY else summary.next_treasury,
        wind_down_at_s=summary.wind_down_at_s, active_epoch=summary.active_epoch, active_root=summary.active_root,
        read_at_block=at,
    )  # fmt: skip
