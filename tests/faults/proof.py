"""What came of a run, as the chain, the evidence and a second implementation have it: for a test to hold together."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from django.conf import settings

from onchain.models import MarketEvent
from onchain.models_tx import OutgoingTransaction
from rewards.models import ClaimRequest, Epoch, Notice
from rewards.services.recompute import recompute
from tests.engine.reference import score_reference
from tests.faults.people import People

TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def facts(people: People) -> dict[str, Any]:
    """Return roots three ways (ours, the chain's events, a second implementation), and where the money went."""
    epochs = list(people.program.epochs.order_by("number"))
    return {
        "roots": [epoch.root for epoch in epochs],
        "paid": [epoch.paid_total for epoch in epochs],
        "recomputed": [_recomputed(people, epoch) for epoch in epochs],
        "second": [_second(epoch) for epoch in epochs],
        "owed": people.owed(),
        "balances": people.balances(),
        "transfers": _transfers(people),
        "requests": sorted(ClaimRequest.objects.values_list("state", flat=True).distinct()),
        "purposes": dict(
            Counter(row.split()[0] for row in OutgoingTransaction.objects.values_list("purpose", flat=True))
        ),
        "events": MarketEvent.objects.count(),
        "packs": len(people.packs(epochs[-1])),
        "evidence": sorted(path.name for path in Path(settings.EVIDENCE_DIR).iterdir() if path.name[0] != "."),
        "notices": [Notice.objects.count(), Notice.objects.values("key").distinct().count()],
    }


def _bundle(epoch: Epoch) -> Path:
    return Path(settings.EVIDENCE_DIR) / epoch.evidence_name


def _recomputed(people: People, epoch: Epoch) -> str:
    """The root as worked out again, with every event read from the chain itself; what differs otherwise."""
    found = recompute(people.client, bundle=_bundle(epoch))
    return str(found.report.root) if found.ok else str(found)


def _second(epoch: Epoch) -> str | None:
    """The root as the second implementation has it."""
    root = score_reference(_bundle(epoch))["root"]
    return root if root is None or str(root).startswith("0x") else f"0x{root}"


def _transfers(people: People) -> dict[str, int]:
    """What left the distributor, by account, as the token's contract logged it: each transfer once."""
    made = people.made
    sender = "0x" + made.distributor.removeprefix("0x").rjust(64, "0")
    logs = people.client.call(
        method="eth_getLogs",
        params=[{"fromBlock": "0x0", "toBlock": "latest", "address": made.token, "topics": [TRANSFER_TOPIC, sender]}],
    )
    sums: dict[str, int] = defaultdict(int)
    for log in logs:
        sums["0x" + log["topics"][2][-40:]] += int(log["data"], 16)
    return dict(sums)
