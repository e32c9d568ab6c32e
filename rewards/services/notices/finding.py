"""Finds what has happened since somebody last looked: from the database's rows alone, each thing under its own key."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Sum

from accounts.models import Maker
from onchain.models import Cursor, Market
from onchain.models_tx import ChainClaim
from rewards.engine.terms import parse_terms
from rewards.models import Allocation, Epoch, LiveStanding, Notice, Payment, Program, Score
from rewards.selectors.clock import chain_now_ms
from rewards.selectors.notices import owned_accounts
from rewards.selectors.review import review_state
from rewards.selectors.revisions import earned_then
from rewards.services.checks import approval_is_safe

Kind = Notice.Kind
STATE = Epoch.State
OLDEST = timedelta(days=3)
"""What is older when it is first seen is no news: a service that was set up late doesn't tell of the past."""
SOON_MS = 30 * 60 * 1000
"""Uptime is judged once a kind of session has been live for this long: before, one pause looks like a bad week."""
CLAIMS_AT_ONCE = 5_000
NEAR_HEAD = 1_000
"""So many blocks behind the chain's head, hours at most, the newest block that was read still says what time it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that happened. maker or account: whom it is for; neither: the treasury. Amounts in `data` are text.

    but_for: the key of a person who is not mailed: who did it, or can't do what it asks for.
    """

    kind: Notice.Kind
    key: str
    at: datetime
    epoch: Epoch | None = None
    maker: str = ""
    account: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    but_for: int | None = None


def found(*, program: Program, now: datetime) -> Iterator[Found]:
    """Yield all that has happened in a programme and is news. now: this machine's clock."""
    recent = program.epochs.exclude(state__in=[STATE.SCHEDULED]).order_by("-number")[:8]
    for epoch in recent:
        epoch.program = program
        if epoch.state == STATE.LIVE:
            yield from _uptime(epoch, now)
        elif epoch.scored_at is not None and epoch.scored_at > now - OLDEST:
            yield from _scored(epoch)
            yield from _review(epoch, now)
            yield from _treasurys_turn(epoch, now)
            yield from _paying(epoch, now)
    yield from _quarantined(program, now)
    yield from _claims(program, now)


def _scored(epoch: Epoch) -> Iterator[Found]:
    """Tell of a result: of the first one with what each earned, of a later one with what each had before it."""
    at = epoch.scored_at or datetime.now(UTC)
    stamp = epoch.manifest_hash or epoch.root or "empty"
    former = epoch.revisions.order_by("-number").first()
    kind = Kind.EPOCH_SCORED if former is None else Kind.EPOCH_RESCORED
    key = f"{kind} {_name(epoch)} {stamp}"
    if _told(key):
        return
    facts = _facts(epoch) | ({"because": former.because, "result": former.number + 1} if former else {})
    whole = {"paid_total": str(epoch.paid_total or 0), "budget": str(epoch.budget), "unspent": str(epoch.unspent or 0)}
    if former is not None:
        whole["paid_total_before"] = str(former.paid_total or 0)
    yield Found(kind=kind, key=key, at=at, epoch=epoch, data=facts | whole)
    earned = {
        maker: int(amount)
        for maker, amount in Allocation.objects.filter(epoch=epoch).values_list("maker").annotate(Sum("payout"))
    }
    before = earned_then(revision=former) if former is not None else {}
    for maker in sorted({*earned, *before}):
        data = facts | {"maker": maker, "earned": str(earned.get(maker, 0))}
        if former is not None:
            data["earned_before"] = str(before.get(maker, 0))
        yield Found(kind=kind, key=f"{key} {maker}", at=at, epoch=epoch, maker=maker, data=data)


def _review(epoch: Epoch, now: datetime) -> Iterator[Found]:
    """Tell of a result once it can be objected to; without a review window, once it is proposed."""
    until_ms = epoch.review_until_ms or 0
    has_time = epoch.state in (STATE.SCORED, STATE.EMPTY) and (chain_now_ms() or until_ms) < until_ms
    review = f"{Kind.REVIEW_OPEN} {_name(epoch)} {epoch.manifest_hash or epoch.root}"
    if not (has_time or epoch.state == STATE.PROPOSED) or _told(review):
        return
    facts = _facts(epoch) | {"digest": epoch.digest} | ({"review_until_ms": until_ms} if has_time else {})
    data = facts | {"amount": str(epoch.paid_total or 0)}
    yield Found(kind=Kind.REVIEW_OPEN, key=review, at=now, epoch=epoch, data=data)
    makers = Allocation.objects.filter(epoch=epoch).order_by("maker").values_list("maker", flat=True).distinct()
    for maker in makers:
        yield Found(kind=Kind.REVIEW_OPEN, key=f"{review} {maker}", at=now, epoch=epoch, maker=maker,
                    data=facts | {"maker": maker})  # fmt: skip


def _treasurys_turn(epoch: Epoch, now: datetime) -> Iterator[Found]:
    if epoch.state != STATE.PROPOSED or not epoch.digest:
        return
    # Nothing is offered for signing before somebody has put it forward, and that person can't approve it.
    forward = review_state(epoch=epoch).put_forward
    if forward is None:
        return
    approval = f"{Kind.APPROVAL_NEEDED} {_name(epoch)} {epoch.digest} {forward.at.isoformat()}"
    if not _told(approval) and approval_is_safe(epoch=epoch):
        data = _facts(epoch) | {"digest": epoch.digest, "amount": str(epoch.paid_total or 0),
                                "put_forward_by": forward.person}  # fmt: skip
        yield Found(kind=Kind.APPROVAL_NEEDED, key=approval, at=now, epoch=epoch, data=data,
                    but_for=forward.person_id)  # fmt: skip


def _paying(epoch: Epoch, now: datetime) -> Iterator[Found]:
    key = f"{Kind.ROOT_ACTIVE} {_name(epoch)} {epoch.root}"
    if epoch.state != STATE.ACTIVE or _told(key):
        return
    facts = _facts(epoch) | {"root": epoch.root}
    yield Found(kind=Kind.ROOT_ACTIVE, key=key, at=now, epoch=epoch,
                data=facts | {"amount": str(epoch.paid_total or 0)})  # fmt: skip
    paid = f"{Kind.PAID} {_name(epoch)} {epoch.root}"
    payments = Payment.objects.filter(epoch=epoch)
    for maker, amount in payments.order_by("maker").values_list("maker").annotate(Sum("amount")):
        yield Found(kind=Kind.ROOT_ACTIVE, key=f"{key} {maker}", at=now, epoch=epoch, maker=maker,
                    data=facts | {"maker": maker})  # fmt: skip
        yield Found(kind=Kind.PAID, key=f"{paid} {maker}", at=now, epoch=epoch, maker=maker,
                    data=facts | {"maker": maker, "amount": str(int(amount))})  # fmt: skip
    owned = payments.filter(account__in=owned_accounts())
    for account, amount in owned.order_by("account").values_list("account").annotate(Sum("amount")):
        yield Found(kind=Kind.PAID, key=f"{paid} {account}", at=now, epoch=epoch, account=account,
                    data=facts | {"account": account, "amount": str(int(amount))})  # fmt: skip


def _uptime(epoch: Epoch, now: datetime) -> Iterator[Found]:
    """Look at live presence against the gate, for makers who have quoted in the market at all."""
    terms = parse_terms(epoch.terms_json.encode())
    standing = set(LiveStanding.objects.filter(epoch=epoch).values_list("market", "maker"))
    for row in Score.objects.filter(epoch=epoch, live_ms__gte=SOON_MS).order_by("market", "maker", "kind"):
        market = terms.markets.get(row.market)
        needed_bps = market.min_uptime_bps[row.kind] if market is not None else 0
        if (row.market, row.maker) in standing and row.present_ms * 10_000 < needed_bps * row.live_ms:
            yield Found(
                kind=Kind.UPTIME_LOW,
                key=f"{Kind.UPTIME_LOW} {_name(epoch)} {row.market} {row.kind} {row.maker}",
                at=now, epoch=epoch, maker=row.maker,
                data=_facts(epoch) | {
                    "maker": row.maker, "market": row.market, "session": row.kind, "needed_bps": needed_bps,
                    "present_ms": row.present_ms, "live_ms": row.live_ms,
                },
            )  # fmt: skip


def _quarantined(program: Program, now: datetime) -> Iterator[Found]:
    """Tell the treasury and every maker of a market whose events contradict each other: its epoch can't be scored."""
    stopped = list(Market.objects.exclude(quarantined_block=None).order_by("name"))
    epoch = program.epochs.filter(state=STATE.LIVE).order_by("number").first() if stopped else None
    if epoch is None:
        return
    named = parse_terms(epoch.terms_json.encode()).markets
    makers = ["", *sorted(Maker.objects.filter(addresses__isnull=False).values_list("slug", flat=True).distinct())]
    for market in stopped:
        if market.name in named:
            key = f"{Kind.MARKET_QUARANTINED} {program.slug} {market.name} {market.quarantined_block}"
            data = {"program": program.slug, "market": market.name, "block": market.quarantined_block,
                    "reason": market.quarantine_reason}  # fmt: skip
            for maker in makers:
                yield Found(kind=Kind.MARKET_QUARANTINED, key=f"{key} {maker}".strip(), at=now, maker=maker, data=data)


def _claims(program: Program, now: datetime) -> Iterator[Found]:
    since_ms = _chain_time_ms(now) - OLDEST // timedelta(milliseconds=1)
    rows = ChainClaim.objects.filter(
        distributor__address=program.distributor, distributor__chain_id=program.chain_id, time_ms__gte=since_ms
    ).order_by("-block_number", "-log_index")[:CLAIMS_AT_ONCE]
    accounts = {row.account for row in rows}
    makers, owned = _makers_by_account(program, accounts), set(owned_accounts().filter(address__in=accounts))
    for row in rows:
        key = f"{Kind.CLAIM_COLLECTED} {program.slug} {row.tx_hash} {row.log_index}"
        data = {"program": program.slug, "account": row.account, "recipient": row.recipient, "token": row.token,
                "amount": str(row.amount), "cumulative": str(row.cumulative), "tx_hash": row.tx_hash}  # fmt: skip
        at = datetime.fromtimestamp(row.time_ms / 1000, UTC)
        if row.account in owned:
            yield Found(kind=Kind.CLAIM_COLLECTED, key=f"{key} {row.account}", at=at, account=row.account, data=data)
        for maker in makers.get(row.account, ()):
            yield Found(kind=Kind.CLAIM_COLLECTED, key=f"{key} {maker}", at=at, maker=maker,
                        data=data | {"maker": maker})  # fmt: skip


def _chain_time_ms(now: datetime) -> int:
    """Return the time (ms UTC) that blocks are old or new by: the chain's, which a demo's or sandbox's sets itself.

    While the chain's past is still being read, its newest block is an old one; this machine's clock counts then.
    """
    cursor = Cursor.objects.first()
    read_ms = chain_now_ms() if cursor and cursor.head_number - cursor.block_number <= NEAR_HEAD else None
    return int(now.timestamp() * 1000) if read_ms is None else read_ms


def _makers_by_account(program: Program, accounts: set[str]) -> dict[str, list[str]]:
    # What a vault's holder collects is the holder's own affair, and there may be thousands.
    direct = Payment.objects.filter(epoch__program=program, account__in=accounts, vault="")
    pairs = direct.values_list("account", "maker")
    found_makers: dict[str, list[str]] = {}
    for account, maker in sorted(set(pairs)):
        found_makers.setdefault(account, []).append(maker)
    return found_makers


def _facts(epoch: Epoch) -> dict[str, Any]:
    program = epoch.program
    return {"program": program.slug, "epoch": epoch.number, "start_ms": epoch.start_ms, "end_ms": epoch.end_ms,
            "token": program.token, "token_symbol": program.token_symbol,
            "token_decimals": program.token_decimals}  # fmt: skip


def _told(key: str) -> bool:
    """Tell whether this is no news; with the first notice of a group all others of it were written."""
    return Notice.objects.filter(key=key).exists()


def _name(epoch: Epoch) -> str:
    return f"{epoch.program.slug} {epoch.number}"
