"""How an account earned what it was paid: a bar a week, of which a part, by apportionment, was for weekends."""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from rewards.models import Allocation, Epoch, Payment
from rewards.selectors.makers import kind_weights, maker_scores
from rewards.selectors.vaults import vault_names

NEW_YORK = ZoneInfo("America/New_York")
MOST_WEEKS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnedRow:
    """What one maker's epoch brought the account; vault: the name of the vault through which, empty for directly.

    weekend: about how much of the amount was for weekends: the maker's pay of each market is shared out over the kinds
    of session by what its quotes earned in them, and the account's part is taken of that. Never above the amount.
    """

    epoch_number: int
    start_ms: int
    end_ms: int
    maker: str
    amount: int
    vault: str
    weekend: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnedWeek:
    """All epochs that began in one New York week, Monday to Sunday; start and end are those of the epochs."""

    start_ms: int
    end_ms: int
    amount: int
    weekend: int


def earned_rows(*, account: str) -> dict[int, list[EarnedRow]]:
    """Return what each programme (id) has paid an account for, newest epoch first, in five queries.

    Weekend parts are worked out for the newest MOST_WEEKS weeks alone; those are what a page draws.
    """
    payments = list(
        Payment.objects.filter(account=account, epoch__state=Epoch.State.ACTIVE)
        .select_related("epoch")
        .defer("epoch__terms_json")
        .order_by("-epoch__number", "maker")
    )
    vaults = vault_names(epochs={payment.epoch_id for payment in payments if payment.vault})
    parts = _weekend_parts(payments)
    rows: dict[int, list[EarnedRow]] = defaultdict(list)
    for payment in payments:
        epoch = payment.epoch
        weekend, whole = parts.get((payment.epoch_id, payment.maker), (0, 0))
        rows[epoch.program_id].append(
            EarnedRow(
                epoch_number=epoch.number,
                start_ms=epoch.start_ms,
                end_ms=epoch.end_ms,
                maker=payment.maker,
                amount=payment.amount,
                vault=vaults.get((payment.epoch_id, payment.vault), ""),
                weekend=payment.amount * weekend // whole if whole else 0,
            )
        )
    return rows


def earned_weeks(*, rows: Iterable[EarnedRow]) -> tuple[EarnedWeek, ...]:
    """Sum rows by the New York week in which their epoch began, newest first, at most MOST_WEEKS."""
    weeks: dict[dt.date, list[EarnedRow]] = defaultdict(list)
    for row in rows:
        weeks[_monday(row.start_ms)].append(row)
    newest = sorted(weeks, reverse=True)[:MOST_WEEKS]
    return tuple(
        EarnedWeek(
            start_ms=min(row.start_ms for row in weeks[monday]),
            end_ms=max(row.end_ms for row in weeks[monday]),
            amount=sum(row.amount for row in weeks[monday]),
            weekend=sum(row.weekend for row in weeks[monday]),
        )
        for monday in newest
    )


def _monday(time_ms: int) -> dt.date:
    day = dt.datetime.fromtimestamp(time_ms // 1000, tz=NEW_YORK).date()
    return day - dt.timedelta(days=day.weekday())


def _weekend_parts(payments: Sequence[Payment]) -> dict[tuple[int, str], tuple[int, int]]:
    """Return (epoch id, maker) to (pay for weekends, all pay), in the token's smallest unit."""
    mondays = sorted({_monday(payment.epoch.start_ms) for payment in payments}, reverse=True)[:MOST_WEEKS]
    recent = [payment for payment in payments if _monday(payment.epoch.start_ms) in mondays]
    epochs = {payment.epoch_id: payment.epoch.terms_key for payment in recent}
    makers = {payment.maker for payment in recent}
    scores, terms = maker_scores(epochs=epochs, makers=makers), _terms(epochs)
    found: dict[tuple[int, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    rows = Allocation.objects.filter(epoch__in=epochs, maker__in=makers).order_by()
    for epoch_id, maker, market, payout in rows.values_list("epoch_id", "maker", "market", "payout"):
        own = scores.get((epoch_id, maker, market), {})
        weights = kind_weights(terms=terms[epochs[epoch_id]], market=market, scores=own)
        whole = sum(weights.values())
        weekend = payout * weights.get("weekend", 0) // whole if whole else 0
        before = found[epoch_id, maker]
        found[epoch_id, maker] = (before[0] + weekend, before[1] + payout)
    return found


def _terms(epochs: Mapping[int, str]) -> dict[str, dict[str, Any]]:
    """Return the epochs' terms by key, each once: week after week they are the same, and for 200 markets long."""
    first = {key: epoch_id for epoch_id, key in epochs.items()}
    rows = Epoch.objects.filter(pk__in=first.values()).values_list("terms_key", "terms_json")
    return {key: json.loads(text) for key, text in rows}
