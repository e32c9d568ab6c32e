"""The health of what sends transactions: balances, the day's gas, collections that wait or failed, the last block."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.db.models import Case, F, Sum, When

from onchain.errors import OnchainError
from onchain.models import Alarm as ChainAlarm
from onchain.models import Cursor
from onchain.models_tx import ChainDistributor, OutgoingTransaction
from onchain.rpc import Call, RpcClient
from onchain.selectors import head
from rewards.models import Alarm, ClaimRequest

Level = Literal["good", "watch", "bad"]
COLLECT = "collect "
"""How the purpose of a relayer's transaction begins (services/claims.py)."""
A_DAY = dt.timedelta(days=1)
GAS_WATCH_PERCENT, GAS_BAD_PERCENT = 70, 95
DAYS_WATCH, DAYS_BAD = 7, 2
"""So many days should the coin last at the last day's use of gas."""
LEAST_GAS_A_DAY = 1_000_000
"""Where little is sent, the coin should still last for so much gas a day."""
OLD_CLAIM_S = 600
SILENT_WATCH_S, SILENT_BAD_S = 60, 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One thing that is watched: its value in words, how it is, and what to do."""

    name: str
    value: str
    level: Level
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """All of it; the chain's answers are missing where it did not answer."""

    readings: tuple[Reading, ...]
    alarms: tuple[str, ...]

    @property
    def worst(self) -> Level:
        """The worst of it; an open alarm is bad."""
        levels = {reading.level for reading in self.readings} | ({"bad"} if self.alarms else set())
        return "bad" if "bad" in levels else "watch" if "watch" in levels else "good"


def relayer_health(client: RpcClient | None, *, now: dt.datetime) -> Health:
    """Read the health in nine queries and one request of the chain; `client` None leaves the chain out."""
    sent = OutgoingTransaction.objects.filter(purpose__startswith=COLLECT)
    newest = sent.order_by("-pk").first()
    relayer = str(settings.SIGNERS["RELAYER"].get("address") or "") or (newest.sender if newest else "")
    proposers = sorted(set(ChainDistributor.objects.exclude(proposer="").values_list("proposer", flat=True)))
    spent = Case(When(gas_used__isnull=False, then=F("gas_used")), default=F("gas_limit"))
    gas = int(sent.filter(created_at__gte=now - A_DAY).aggregate(all=Sum(spent))["all"] or 0)
    answers = _chain(client, [relayer] * bool(relayer) + proposers)
    readings = [_gas(gas), _balance("Relayer’s balance", relayer, answers, gas_a_day=gas)]
    readings += [_balance("Proposer’s balance", each, answers, gas_a_day=0) for each in proposers]
    readings += [*_claims(now), _block(now)]
    alarms = (
        *ChainAlarm.objects.filter(resolved_at=None).values_list("message", flat=True),
        *Alarm.objects.filter(cleared_at=None).values_list("message", flat=True),
    )
    return Health(readings=tuple(readings), alarms=alarms)


@dataclass(frozen=True, slots=True)
class _Answers:
    """Balances by account and the price of a unit of gas, in wei; None where the chain did not answer."""

    balances: dict[str, int]
    gas_price: int


def _chain(client: RpcClient | None, accounts: list[str]) -> _Answers | None:
    if client is None:
        return None
    calls = [Call("eth_gasPrice", ()), *(Call("eth_getBalance", (account, "latest")) for account in accounts)]
    try:
        price, *balances = (int(str(answer), 16) for answer in client.batch(calls=calls))
    except (OnchainError, ValueError):
        return None
    return _Answers(dict(zip(accounts, balances, strict=True)), price)


def _gas(gas: int) -> Reading:
    limit = settings.RELAYER_DAILY_GAS
    percent = gas * 100 // limit if limit else 100
    value = f"{gas:,} of {limit:,}"
    if percent >= GAS_BAD_PERCENT:
        sentence = (
            f"{percent}% of the last 24 hours’ limit: free collecting is about to stop or has, and goes on later."
        )
        return Reading(name="Gas for collecting", value=value, level="bad", sentence=sentence)
    if percent >= GAS_WATCH_PERCENT:
        sentence = f"{percent}% of the last 24 hours’ limit. See who collects, or raise RELAYER_DAILY_GAS."
        return Reading(name="Gas for collecting", value=value, level="watch", sentence=sentence)
    sentence = f"{percent}% of the limit of 24 hours."
    return Reading(name="Gas for collecting", value=value, level="good", sentence=sentence)


def _balance(name: str, account: str, answers: _Answers | None, *, gas_a_day: int) -> Reading:
    if not account:
        return Reading(name=name, value="none", level="watch", sentence="It has no key here, or has sent nothing yet.")
    if answers is None:
        return Reading(name=name, value="unknown", level="watch", sentence=f"The chain did not answer for {account}.")
    wei = answers.balances[account]
    a_day = max(gas_a_day, LEAST_GAS_A_DAY) * max(1, answers.gas_price)
    days = wei // a_day
    value = f"{wei // 10**18:,}.{wei % 10**18 // 10**14:04d}"
    lasts = "over a year" if days > 365 else f"about {days} day{'' if days == 1 else 's'}"
    if days < DAYS_BAD:
        return Reading(
            name=name,
            value=value,
            level="bad",
            sentence=f"Lasts {lasts} at today’s price of gas. Fill up {account} now.",
        )
    if days < DAYS_WATCH:
        return Reading(
            name=name,
            value=value,
            level="watch",
            sentence=f"Lasts {lasts} at today’s price of gas. Fill up {account} soon.",
        )
    return Reading(name=name, value=value, level="good", sentence=f"Lasts {lasts} at today’s price of gas ({account}).")


def _claims(now: dt.datetime) -> list[Reading]:
    waiting = list(
        ClaimRequest.objects.filter(state=ClaimRequest.State.WAITING)
        .order_by("created_at")
        .values_list("created_at", flat=True)
    )
    failed = ClaimRequest.objects.filter(state=ClaimRequest.State.FAILED, updated_at__gte=now - A_DAY).count()
    age_s = int((now - waiting[0]).total_seconds()) if waiting else 0
    old = age_s > OLD_CLAIM_S
    sentence = (
        f"The oldest has waited for {age_s // 60:,} minutes; see that the relayer’s worker runs."
        if old
        else ("They go out within moments." if waiting else "Nobody waits.")
    )
    return [
        Reading(
            name="Collections that wait", value=f"{len(waiting):,}", level="bad" if old else "good", sentence=sentence,
        ),
        Reading(
            name="Collections that failed", value=f"{failed:,}", level="watch" if failed else "good",
            sentence="In the last 24 hours; each account’s page says why." if failed else "None in the last 24 hours.",
        ),
    ]  # fmt: skip


def _block(now: dt.datetime) -> Reading:
    cursor, newest = Cursor.objects.first(), head()
    if cursor is None or newest is None:
        sentence = "No block has been read yet. See that worker, beat and node run."
        return Reading(name="Last block", value="none", level="bad", sentence=sentence)
    silent_s = max(0, int((now - cursor.updated_at).total_seconds()))
    value = f"{newest.number:,}"
    if silent_s > SILENT_BAD_S:
        sentence = f"The chain was last read {silent_s // 60:,} minutes ago. See that worker, beat and node run."
        return Reading(name="Last block", value=value, level="bad", sentence=sentence)
    if silent_s > SILENT_WATCH_S:
        sentence = f"The chain was last read {silent_s:,} seconds ago; it should be every second."
        return Reading(name="Last block", value=value, level="watch", sentence=sentence)
    return Reading(name="Last block", value=value, level="good", sentence="Read within the last minute.")
