"""Flags from amounts: concentration, new accounts, pay that stands out, makers that are gone; and the Lorenz curve."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from statistics import median

from rewards.analysis.flagging import thresholds as at
from rewards.analysis.flagging.finding import NOTE, SERIOUS, Finding, Money, parts_of, percent

PPM = 1_000_000
HOUR_MS = 3_600_000
TOP = 5


def gini(amounts: Collection[int]) -> float:
    """Return Gini's coefficient of amounts: 0 when all are the same, towards 1 when one has everything."""
    ordered, whole = sorted(amounts), sum(amounts)
    if not whole:
        return 0.0
    count = len(ordered)
    weighted = sum((2 * rank - count - 1) * amount for rank, amount in enumerate(ordered, start=1))
    return float(Fraction(weighted, count * whole))


def lorenz(amounts: Collection[int]) -> list[tuple[int, int]]:
    """Return the curve's points from (0, 0): accounts so far, smallest first, and the parts per million they get."""
    points, total, whole = [(0, 0)], 0, sum(amounts)
    for number, amount in enumerate(sorted(amounts), start=1):
        total += amount
        points.append((number, total * PPM // whole if whole else 0))
    return points


def concentration(*, increments: Mapping[str, int], money: Money) -> list[Finding]:
    """Flag an epoch of which one account gets very much."""
    if len(increments) < at.CONCENTRATION_LEAST_ACCOUNTS:
        return []
    ranked = sorted(increments.items(), key=lambda item: (-item[1], item[0]))
    whole = sum(increments.values())
    (account, most), top = ranked[0], sum(amount for _, amount in ranked[:TOP])
    ppm = most * PPM // whole
    if ppm < at.LARGEST_NOTE_PPM:
        return []
    return [
        Finding(
            code="concentration", level=SERIOUS if ppm >= at.LARGEST_SERIOUS_PPM else NOTE, subjects=(account,),
            sentence=f"{account} gets {money(most)}, {percent(ppm / PPM)} of all; the five largest of {len(ranked)} "
            f"accounts get {percent(top / whole)}.",
            figures={"largest_ppm": ppm, "top5_ppm": top * PPM // whole, "accounts": len(ranked),
                     "gini": gini(increments.values())},
            evidence=[{"account": name, "gains": str(amount)} for name, amount in ranked[:TOP]],
        )
    ]  # fmt: skip


def new_accounts(*, increments: Mapping[str, int], seen: Collection[str], money: Money) -> list[Finding]:
    """Flag accounts never paid before that get much. seen: accounts of earlier epochs; none: nothing is new."""
    if not seen:
        return []
    parts = parts_of(increments, sum(increments.values()))
    return [
        Finding(
            code="new_account", level=SERIOUS if ppm >= at.NEW_SERIOUS_PPM else NOTE, subjects=(account,),
            sentence=f"{account} was never paid before and gets {money(increments[account])}, {percent(ppm / PPM)} of "
            "all.",
            figures={"part_ppm": ppm, "gains": str(increments[account])},
        )
        for account, ppm in sorted(parts.items())
        if account not in seen and ppm >= at.NEW_NOTE_PPM
    ]  # fmt: skip


def against_past(
    *, pay: Mapping[str, int], budget: int, past: Sequence[tuple[int, Mapping[str, int]]], names: Mapping[str, str]
) -> list[Finding]:
    """Flag makers whose share of the budget jumped or fell against the median of their own past.

    pay: maker to payout. past: earlier epochs, newest first, each its budget and what makers got.
    """
    past = past[: at.HISTORY_MOST]
    findings = []
    for maker in sorted({*pay, *(name for _, row in past for name in row)}):
        before = [row.get(maker, 0) * PPM // whole for whole, row in past if whole]
        paid = [part for part in before if part]
        if len(paid) < at.HISTORY_LEAST:
            continue
        usual, now = int(median(before)), pay.get(maker, 0) * PPM // budget if budget else 0
        if now >= at.JUMP_FLOOR_PPM and now > at.JUMP_TIMES * usual:
            level = SERIOUS if now > at.JUMP_SERIOUS_TIMES * usual else NOTE
            findings.append(_change("pay_jump", level, maker, names, now, usual, before))
        elif usual >= at.DROP_FLOOR_PPM and now * at.DROP_TIMES < usual:
            findings.append(_change("drop", NOTE, maker, names, now, usual, before))
    return findings


def pay_rates(
    *, pay: Mapping[str, int], present_ms: Mapping[str, int], names: Mapping[str, str], money: Money
) -> list[Finding]:
    """Flag makers whose pay for an hour of presence is far above that of the others."""
    rates = {
        maker: amount * HOUR_MS // present_ms[maker]
        for maker, amount in pay.items()
        if amount and present_ms.get(maker, 0)
    }
    if len(rates) < at.RATE_LEAST_MAKERS:
        return []
    usual, whole = int(median(rates.values())), sum(pay.values())
    return [
        Finding(
            code="pay_rate", level=NOTE, subjects=(maker,),
            sentence=f"{names.get(maker, maker)} gets {money(rate)} for an hour of presence; the median of "
            f"{len(rates)} makers is {money(usual)}.",
            figures={"an_hour": str(rate), "median": str(usual), "present_ms": present_ms[maker]},
            evidence=[{"maker": name, "for an hour": str(each)} for name, each in
                      sorted(rates.items(), key=lambda item: (-item[1], item[0]))[:10]],
        )
        for maker, rate in sorted(rates.items())
        if rate > at.RATE_TIMES * usual and pay[maker] * PPM >= at.JUMP_FLOOR_PPM * whole
    ]  # fmt: skip


def _change(
    code: str, level: str, maker: str, names: Mapping[str, str], now: int, usual: int, before: Sequence[int]
) -> Finding:
    verb = "gets" if code == "pay_jump" else "gets only"
    return Finding(
        code=code, level=level, subjects=(maker,),
        sentence=f"{names.get(maker, maker)} {verb} {percent(now / PPM)} of the budget; the median of its last "
        f"{len(before)} epochs is {percent(usual / PPM)}.",
        figures={"now_ppm": now, "median_ppm": usual},
        evidence=[{"epochs ago": number, "part, ppm": part} for number, part in enumerate(before, start=1)],
    )  # fmt: skip
