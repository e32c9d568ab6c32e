"""Works out what a person needs to decide about a scored epoch, from its evidence: flags, unspent, statistics.

Derived and repeatable: whoever dies leaves nothing, whoever comes twice changes nothing, and another evidence (the
epoch was scored again) gets facts of its own beside the old ones.
"""

import logging
from collections import defaultdict
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.models import Maker
from config import failpoints
from onchain.models import RawLog, WatchedContract
from onchain.models_tx import ChainClaim, ChainDistributor, ChainRecipient
from rewards.analysis.bought import bought_in, idle_time
from rewards.analysis.errors import AnalysisError
from rewards.analysis.flagging import fills as fill_flags
from rewards.analysis.flagging import links, mirrored, money
from rewards.analysis.flagging import thresholds as at
from rewards.analysis.flagging.finding import Finding, Money
from rewards.analysis.statistics import each_market
from rewards.analysis.unspent import quoting_by_kind, unspent_of_epoch, unspent_of_market
from rewards.engine.allocation import AllocationRow, allocate_market
from rewards.engine.evidence import read_inputs
from rewards.engine.inputs import Inputs
from rewards.models import Allocation, Entitlement, Epoch, EpochStatistics, Flag, Program, Score

logger = logging.getLogger(__name__)
RETRY = timedelta(minutes=10)
"""Facts that could not be worked out are tried again after this: somebody has to put something right first."""
STATES = (Epoch.State.SCORED, Epoch.State.PROPOSED, Epoch.State.APPROVED, Epoch.State.ACTIVE, Epoch.State.EMPTY)
TRANSFER_TOPIC = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
MOST_TRANSFERS = 100_000


def review_facts_due(*, now: datetime) -> list[int]:
    """Return the scored epochs whose present evidence has no facts yet, those that wait for a decision first.

    now: this machine's clock.
    """
    there = EpochStatistics.objects.filter(epoch=OuterRef("pk"), manifest_hash=OuterRef("manifest_hash"))
    settled = there.exclude(document=None) | there.filter(retry_at__gt=now)
    rows = Epoch.objects.filter(~Exists(settled), state__in=STATES).exclude(evidence_name="")
    order = {Epoch.State.PROPOSED: 0, Epoch.State.SCORED: 1}
    found = rows.values_list("pk", "state", "end_ms")
    return [pk for pk, _, _ in sorted(found, key=lambda row: (order.get(Epoch.State(row[1]), 2), -row[2], row[0]))]


def review_facts_compute(*, epoch_id: int, now: datetime) -> bool:
    """Work out an epoch's facts and store them; what is wrong becomes a note, and it is tried again later.

    Call it under a lock of the epoch's. Returns whether it stored any.
    """
    epoch = Epoch.objects.select_related("program").get(pk=epoch_id)
    try:
        inputs = read_inputs(Path(settings.EVIDENCE_DIR) / epoch.evidence_name)
        document, findings = _facts(epoch, inputs)
    except Exception as error:
        # Whatever it is: the other epochs have their turn, and a person reads here what is in the way.
        logger.exception("The facts of epoch %s can't be worked out", epoch.number)
        EpochStatistics.objects.update_or_create(
            epoch=epoch, manifest_hash=epoch.manifest_hash,
            defaults={"root": epoch.root, "note": str(error), "retry_at": now + RETRY},
        )  # fmt: skip
        return False
    failpoints.hit("review.before_commit")
    with transaction.atomic():
        locked = Epoch.objects.select_for_update(no_key=True).get(pk=epoch_id)
        if locked.manifest_hash != epoch.manifest_hash:
            return False  # scored again meanwhile; the next poke looks at what it is now
        Flag.objects.bulk_create((_flag(epoch, finding) for finding in findings), ignore_conflicts=True)
        EpochStatistics.objects.update_or_create(
            epoch=epoch, manifest_hash=epoch.manifest_hash,
            defaults={"root": epoch.root, "document": document, "note": document["note"], "retry_at": None},
        )  # fmt: skip
    failpoints.hit("review.stored")
    logger.info("Epoch %s has %d flags", epoch.number, len(findings))
    return True


def _facts(epoch: Epoch, inputs: Inputs) -> tuple[dict[str, Any], list[Finding]]:
    names = dict(Maker.objects.values_list("slug", "name"))
    statistics = _statistics(inputs)
    findings = [
        *_of_events(inputs, names),
        *_of_accounts(epoch, inputs, names),
        *_of_money(epoch, names),
    ]
    increments = _increments(epoch)
    amounts = increments.values()
    ranked = sorted(amounts, reverse=True)
    return {
        "version": 1,
        **statistics,
        "accounts": len(ranked),
        "gini": money.gini(amounts),
        "lorenz": money.lorenz(amounts),
        "largest": str(ranked[0]) if ranked else "0",
        "top5": str(sum(ranked[:5])),
        "transfers_read": WatchedContract.objects.filter(address=epoch.program.token).exists(),
    }, findings


def _statistics(inputs: Inputs) -> dict[str, Any]:
    """Return unspent by reason and what was bought; where statistics can't be had, the sentence that says why."""
    of_markets: dict[str, dict[str, int]] = {}
    bought: list[dict[str, Any]] = []
    try:
        for found in each_market(inputs):
            rows: list[AllocationRow] = allocate_market(terms=inputs.terms, market=found.market, score=found.score)
            of_markets[found.market] = unspent_of_market(
                terms=inputs.terms, market=found.market, score=found.score, idle=idle_time(found), rows=rows
            )
            quoting = quoting_by_kind(terms=inputs.terms, market=found.market, score=found.score)
            for row in bought_in(found, quoting=quoting, paid=sum(row.payout for row in rows)):
                bought.append({**asdict(row), "pay_raw": str(row.pay_raw)})
    except AnalysisError as error:
        return {"note": str(error), "unspent": None, "unspent_by_market": None, "bought": []}
    whole = unspent_of_epoch(terms=inputs.terms, of_markets=of_markets)
    return {
        "note": "",
        "unspent": _texts(whole),
        "unspent_by_market": {market: _texts(row) for market, row in of_markets.items()},
        "bought": bought,
    }


def _texts(amounts: dict[str, int]) -> dict[str, str]:
    return {reason: str(amount) for reason, amount in amounts.items() if amount}


def _of_events(inputs: Inputs, names: dict[str, str]) -> list[Finding]:
    findings: list[Finding] = []
    makers = tuple(sorted(set(inputs.makers.values()), key=lambda name: name.encode("utf-8")))
    span = {"start_ms": inputs.terms.epoch.start_ms, "end_ms": inputs.terms.epoch.end_ms}
    for market, events in sorted(inputs.events.split(makers=inputs.makers).items()):
        if market not in inputs.terms.markets:
            continue
        fills, quotes = fill_flags.fills_of(events, **span), mirrored.quotes_of(events, **span)
        findings += fill_flags.own_fills(market=market, fills=fills, events=events, makers=makers, names=names)
        findings += fill_flags.trade_together(market=market, fills=fills, events=events, makers=makers, names=names)
        findings += mirrored.mirrored_quotes(market=market, quotes=quotes, events=events, makers=makers, names=names)
    return findings


def _of_accounts(epoch: Epoch, inputs: Inputs, names: dict[str, str]) -> list[Finding]:
    program = epoch.program
    accounts_of = {maker: [account for account, _ in rows] for maker, rows in inputs.payouts.items()}
    maker_of = {account: maker for maker, accounts in accounts_of.items() for account in accounts} | dict(inputs.makers)
    return [
        *links.shared_accounts(payouts=inputs.payouts, makers=inputs.makers, names=names),
        *links.shared_recipients(recipients=_recipients(epoch), accounts_of=accounts_of, names=names),
        *links.token_transfers(
            transfers=_transfers(epoch, maker_of), maker_of=maker_of, names=names, money=_money(program)
        ),
    ]


def _recipients(epoch: Epoch) -> dict[str, str]:
    """Return where claims go that don't go to their account, by the chain's events."""
    distributor = ChainDistributor.objects.filter(
        chain_id=epoch.program.chain_id, address=epoch.program.distributor
    ).first()
    went = dict(ChainClaim.objects.filter(distributor=distributor).order_by("pk").values_list("account", "recipient"))
    went |= dict(ChainRecipient.objects.filter(distributor=distributor).values_list("account", "recipient"))
    return went


def _transfers(epoch: Epoch, maker_of: dict[str, str]) -> list[links.Transfer]:
    """Return the reward token's transfers between makers' addresses, where the indexer follows the token at all."""
    logs = RawLog.objects.filter(address=epoch.program.token, block_number__lte=epoch.to_block or 0).order_by(
        "block_number", "log_index"
    )
    found: list[links.Transfer] = []
    for topics, data, block in logs.values_list("topics", "data", "block_number")[:MOST_TRANSFERS].iterator():
        raw = bytes.fromhex(topics.removeprefix("0x"))
        if len(raw) != 96 or raw[:32] != TRANSFER_TOPIC:
            continue
        sender, receiver = "0x" + raw[44:64].hex(), "0x" + raw[76:96].hex()
        if sender in maker_of and receiver in maker_of:
            found.append((sender, receiver, int(data.removeprefix("0x")[:64] or "0", 16), block))
    return found


def _money(program: Program) -> Money:
    """Return what writes amounts in whole tokens with two decimals, rounded down."""

    def words(raw: int) -> str:
        hundredths = raw * 100 // 10**program.token_decimals
        return f"{hundredths // 100:,}.{hundredths % 100:02d} {program.token_symbol}"

    return words


def _of_money(epoch: Epoch, names: dict[str, str]) -> list[Finding]:
    program = epoch.program
    earlier = Epoch.objects.filter(program=program, number__lt=epoch.number, paid_total__isnull=False)
    past = list(earlier.exclude(state=Epoch.State.VETOED).order_by("-number")[: at.HISTORY_MOST])
    pay = _pay([epoch, *past])
    increments = _increments(epoch)
    seen = set(Entitlement.objects.filter(epoch__in=past).values_list("account", flat=True))
    present: dict[str, int] = defaultdict(int)
    for maker, ms in Score.objects.filter(epoch=epoch).values_list("maker", "present_ms"):
        present[maker] += ms
    return [
        *money.concentration(increments=increments, money=_money(program)),
        *money.new_accounts(increments=increments, seen=seen, money=_money(program)),
        *money.against_past(
            pay=pay[epoch.pk], budget=epoch.budget, past=[(row.budget, pay[row.pk]) for row in past], names=names
        ),
        *money.pay_rates(pay=pay[epoch.pk], present_ms=present, names=names, money=_money(program)),
    ]


def _increments(epoch: Epoch) -> dict[str, int]:
    return dict(Entitlement.objects.filter(epoch=epoch, increment__gt=0).values_list("account", "increment"))


def _pay(epochs: list[Epoch]) -> dict[int, dict[str, int]]:
    pay: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for epoch_id, maker, payout in Allocation.objects.filter(epoch__in=epochs).values_list("epoch", "maker", "payout"):
        pay[epoch_id][maker] += payout
    return pay


def _flag(epoch: Epoch, finding: Finding) -> Flag:
    return Flag(
        epoch=epoch, root=epoch.root, manifest_hash=epoch.manifest_hash, code=finding.code, key=finding.key,
        level=finding.level, subjects=list(finding.subjects), figures=dict(finding.figures), sentence=finding.sentence,
        evidence=[dict(row) for row in finding.evidence],
    )  # fmt: skip
