"""Where each programme's money is, in whole tokens; collections; and the keys that pay for gas.

Prometheus keeps numbers as floating point, exact up to 2**53: enough for whole tokens, not for a token's smallest
units. So amounts are rounded down to whole tokens here, and what must be exact is a check: whether the parts add up.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Count, Max, Min, Q, Sum
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from onchain.models_tx import ChainClaim, OutgoingTransaction
from rewards.models import ClaimRequest, Entitlement, Epoch, HotKey, Program
from rewards.selectors.metrics.families import gauge, gauges
from rewards.selectors.running_limits import GAS_A_COLLECTION, GAS_A_PROPOSAL

STATE = Epoch.State
ETHER_WEI = 10**18
A_DAY = dt.timedelta(days=1)
AMOUNTS = {
    "budget": "Budgets of all epochs, also of those to come.",
    "budget_left": "Budgets of epochs that run or are scheduled.",
    "paid": "Granted to makers in scored epochs that are not vetoed.",
    "claimed": "Left the contract.",
    "unclaimed": "Granted by the active root and not collected.",
    "undecided": "In scored epochs whose root does not pay yet.",
    "carried": "Earned, and below the least payout.",
    "unspent": "Earned by nobody; stays with the treasury.",
}


class Money(Collector):
    """Amounts by programme, requests to collect, transactions of ours and hot keys."""

    def __init__(self, now: dt.datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield the families, in eight queries."""
        yield from _amounts()
        yield from _claims(self._now)
        yield from _transactions(self._now)
        yield from _keys(self._now)


def _amounts() -> Iterator[Metric]:
    programmes, sums = list(Program.objects.all()), _sums()
    for name, text in AMOUNTS.items():
        yield gauges(
            f"{name}_tokens", f"{text} Whole tokens, rounded down.", ("programme", "token"),
            {(each.slug, each.token_symbol): sums[each.pk][name] // 10**each.token_decimals for each in programmes},
        )  # fmt: skip
    yield gauges(
        "money_missing", "1 where budget = claimed + unclaimed + undecided + carried + unspent does not hold, to the "
        "smallest unit.", ("programme",), {(each.slug,): bool(sums[each.pk]["difference"]) for each in programmes},
    )  # fmt: skip


def _sums() -> dict[int, dict[str, int]]:
    """Return each programme's amounts in the token's smallest unit, in three queries."""
    found: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys((*AMOUNTS, "difference", "_scored"), 0))
    epochs = Epoch.objects.order_by("program_id", "number")
    for program_id, state, budget, paid, unspent, carried in epochs.values_list(
        "program_id", "state", "budget", "paid_total", "unspent", "carried_out_total"
    ):
        row = found[program_id]
        row["budget"] += budget
        row["budget_left"] += budget if state in (STATE.LIVE, STATE.SCHEDULED) else 0
        if paid is not None:
            row["_scored"] += budget
            row["paid"] += paid if state != STATE.VETOED else 0
            row["undecided"] += paid if state != STATE.ACTIVE else 0
            row["unspent"] += unspent or 0
            row["carried"] = carried or 0
    contracts = {(each.chain_id, each.distributor, each.token): each.pk for each in Program.objects.all()}
    for chain_id, address, token, amount in ChainClaim.objects.values_list(
        "distributor__chain_id", "distributor__address", "token"
    ).order_by().annotate(Sum("amount")):  # fmt: skip
        if (pk := contracts.get((chain_id, address, token))) is not None:
            found[pk]["claimed"] += int(amount)
    newest = Epoch.objects.filter(state=STATE.ACTIVE).values("program_id").order_by().annotate(newest=Max("number"))
    paying = Q(pk__in=[])
    for each in newest:
        paying |= Q(epoch__program_id=each["program_id"], epoch__number=each["newest"])
    granted = Entitlement.objects.filter(paying).values_list("epoch__program_id").order_by().annotate(Sum("cumulative"))
    for pk, cumulative in granted:
        found[pk]["unclaimed"] += int(cumulative)
    for row in found.values():
        row["unclaimed"] -= row["claimed"]
        parts = sum(row[part] for part in ("claimed", "unclaimed", "undecided", "carried", "unspent"))
        row["difference"] = row["_scored"] - parts
    return found


def _claims(now: dt.datetime) -> Iterator[Metric]:
    state, none = ClaimRequest.State, dict[tuple[str, ...], int]()
    slugs = list(Program.objects.values_list("slug", flat=True))
    counts = none | {(slug, each): 0 for slug in slugs for each in (state.WAITING, state.SENT, state.FAILED)}
    oldest = none | {(slug,): 0 for slug in slugs}
    recent = Q(state__in=[state.WAITING, state.SENT]) | Q(state=state.FAILED, updated_at__gt=now - A_DAY)
    rows = ClaimRequest.objects.filter(recent).values_list("program__slug", "state").order_by()
    for slug, each, count, since in rows.annotate(Count("pk"), Min("created_at")):
        counts[slug, each] = count
        if each == state.WAITING:
            oldest[(slug,)] = _age_s(since, now)
    yield gauges("claims", "Requests to collect that wait, were sent, or failed within a day.",
                 ("programme", "state"), counts)  # fmt: skip
    yield gauges("claim_oldest_wait_seconds", "Seconds that the oldest request to collect has waited; 0: none waits.",
                 ("programme",), oldest)  # fmt: skip


def _transactions(now: dt.datetime) -> Iterator[Metric]:
    state = OutgoingTransaction.State
    counts: dict[tuple[str, ...], int] = {(each,): 0 for each in (state.SIGNED, state.MINED)}
    oldest_s = 0
    rows = OutgoingTransaction.objects.filter(state__in=[state.SIGNED, state.MINED]).values_list("state").order_by()
    for each, count, since in rows.annotate(Count("pk"), Min("created_at")):
        counts[(each,)], oldest_s = count, max(oldest_s, _age_s(since, now))
    yield gauges("transactions_pending", "Transactions of ours that are not final.", ("state",), counts)
    yield gauge("transaction_oldest_pending_seconds", "Seconds since the oldest of them was signed; 0: none.", oldest_s)


def _keys(now: dt.datetime) -> Iterator[Metric]:
    keys = {(key.role.lower(),): key for key in HotKey.objects.all()}
    label = ("role",)
    gas = {"relayer": GAS_A_COLLECTION, "proposer": GAS_A_PROPOSAL}
    yield gauges("key_balance_coins", "What a hot key holds, in the chain's coin.", label,
                 {role: None if key.balance_wei is None else key.balance_wei / ETHER_WEI
                  for role, key in keys.items()})  # fmt: skip
    yield gauges("key_transactions_left", "What that pays for at the present price of gas: collections or proposals.",
                 label, {role: None if key.balance_wei is None or not key.fee_wei
                         else key.balance_wei // (key.fee_wei * gas.get(role[0], GAS_A_PROPOSAL))
                         for role, key in keys.items()})  # fmt: skip
    yield gauges("key_gas_used", "Gas of the last 24 hours' collections.", label,
                 {role: key.gas_today for role, key in keys.items() if role[0] == "relayer"})  # fmt: skip
    yield gauge("relayer_gas_budget", "RELAYER_DAILY_GAS.", settings.RELAYER_DAILY_GAS)
    yield gauges("key_unreadable", "1 where what a key holds could not be read.", label,
                 {role: bool(key.note) for role, key in keys.items()})  # fmt: skip
    yield gauges("key_look_age_seconds", "Seconds since the worker with the key last looked.", label,
                 {role: _age_s(key.looked_at, now) for role, key in keys.items()})  # fmt: skip


def _age_s(moment: dt.datetime, now: dt.datetime) -> int:
    return max(0, int((now - moment).total_seconds()))
