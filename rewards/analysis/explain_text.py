"""How an explanation is told to people: sentences, and tables that add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rewards.analysis.explained import Explanation, MakerPart, MarketPart, Stretch, VaultPart
from rewards.engine.texttable import amount_text, one_line, percent_text, table

WHY = ("counting", "halted", "dark", "no_quotes", "too_small", "too_young", "too_far", "one_sided")


@dataclass(frozen=True)
class Teller:
    """Writes amounts in smallest units, or in whole tokens when `decimals` are given."""

    decimals: int | None

    def lines(self, found: Explanation) -> Iterator[str]:
        """Yield the whole explanation."""
        yield from self._leaf(found)
        for maker in found.makers:
            yield from self._maker(maker, found)
            for market in maker.markets:
                yield from self._market(market, maker.maker)

    def _amount(self, amount: int) -> str:
        return amount_text(amount, decimals=self.decimals)

    def _unit(self, token: str) -> str:
        if self.decimals is None:
            return f"Amounts are in the smallest unit of {token}."
        return f"Amounts are in tokens of 10^{self.decimals} smallest units of {token}, cut off after six places."

    def _leaf(self, found: Explanation) -> Iterator[str]:
        yield one_line(f"Account {found.account}, epoch {found.terms.epoch.number} of {found.terms.program}.")
        yield f"{self._unit(found.terms.token)} The root is {found.root or 'none'}."
        yield ""
        rows = [
            ["in the tree before this epoch", self._amount(found.previous)],
            ["added by this epoch", self._amount(found.increment)],
            ["the account's leaf: all that it can claim, claimed or not", self._amount(found.cumulative)],
        ]
        yield from table(["", "amount"], rows, left=1)
        for token, amount in found.other_tokens:
            yield f"It has a leaf of {self._amount(amount)} of the token {token} too, which this epoch does not pay."
        yield ""
        if not found.makers:
            yield "No maker is paid to this account in this epoch, so its leaf is what it was before."
            return
        if not found.increment:
            yield "Nothing is added in this epoch; below is why."
        rows = [
            [maker.maker, _share_text(maker), self._amount(maker.paid), self._amount(maker.amount)]
            for maker in found.makers
        ]
        rows.append(["all makers", "", "", self._amount(found.increment)])
        yield from table(["added by", "its share of", "paid to the maker", "amount"], rows, left=1)

    def _maker(self, maker: MakerPart, found: Explanation) -> Iterator[str]:
        yield ""
        yield one_line(f"Maker {maker.maker}, quoting from {_count(maker.addresses)}.")
        yield f"  {self._settled(maker, found.terms.min_payout)}"
        yield ""
        rows = [
            [
                market.market,
                *map(self._amount, (market.quoting, market.fills, market.stress)),
                *map(self._amount, (-market.cut, market.redistributed, market.payout)),
            ]
            for market in maker.markets
        ]
        names = ("quoting", "fills", "stress", "cut", "redistributed", "payout")
        sums = [sum(getattr(market, name) for market in maker.markets) for name in names]
        sums[3] = -sums[3]
        rows.append(["all markets: earned", *map(self._amount, sums)])
        yield from _indent(
            table(["market", "quoting", "fills", "stress", "above the cap", "of the rest", "payout"], rows, left=1)
        )
        if len(maker.accounts) > 1 and maker.paid:
            yield ""
            rows = [[account, _ppm_text(ppm), self._amount(amount)] for account, ppm, amount in maker.accounts]
            rows.append(["all accounts: paid", "", self._amount(maker.paid)])
            yield from _indent(table(["paid to", "share", "amount"], rows, left=1))
            if maker.dust:
                yield f"  {self._amount(maker.dust)} of it is what rounding left over, which goes to the first account."
        for part in maker.vaults:
            yield from self._vault(part, found.account)

    def _vault(self, part: VaultPart, account: str) -> Iterator[str]:
        """Say what the account has of what is paid through a vault."""
        yield ""
        whole = self._amount(part.amount)
        yield f"  {whole} of it is paid through the vault {part.vault}, to {_holders(part.holders)} of its shares."
        if part.weight:
            yield (
                f"  The account held {part.weight:,} of {part.total_weight:,} share units times milliseconds in this"
                f" epoch: {whole} * {part.weight:,} // {part.total_weight:,} is {self._amount(part.held)}."
            )
        if account == part.operator:
            yield f"  It is the vault's operator and gets what rounding left over: {self._amount(part.dust)}."

    def _settled(self, maker: MakerPart, min_payout: int) -> str:
        due = maker.earned + maker.carried_in
        carried = f" and {self._amount(maker.carried_in)} carried in from before" if maker.carried_in else ""
        said = f"It earned {self._amount(maker.earned)} in this epoch{carried}."
        if maker.carried_out:
            return (
                f"{said} {self._amount(due)} is less than the least payout of {self._amount(min_payout)}, "
                "so it is carried to the next epoch and nothing is paid now."
            )
        return f"{said} {self._amount(maker.paid)} is paid." if due else f"{said} There is nothing to pay."

    def _market(self, market: MarketPart, maker: str) -> Iterator[str]:
        yield ""
        yield one_line(f"Market {market.market}, maker {maker}.")
        quoting, fills, stress = map(self._amount, market.pools)
        yield (
            f"  The market's budget is {self._amount(market.budget)}: {quoting} for quoting, {fills} for fills, "
            f"{stress} for stress."
        )
        yield f"  A maker gets at most {self._amount(market.cap)} of it before what is left is shared out."
        yield ""
        yield from _indent(self._kinds(market))
        for kind in market.kinds:
            if kind.gated and kind.credit:
                presence = f"{_seconds(kind.present_ms)} of {_seconds(kind.live_ms)} s"
                least = percent_text(kind.gate_bps)
                yield (
                    f"  In {kind.kind} sessions it was present for {presence}, less than {least}, so that quoting in "
                    "them earned nothing."
                )
        if market.no_statistics is not None:
            yield f"  There is no more to show by session: {market.no_statistics}"
            return
        yield ""
        yield from _indent(self._stretches(market.stretches))
        yield ""
        yield from _indent(_quotes(market.stretches))
        yield ""
        yield from _indent(_reasons(market.stretches))

    def _kinds(self, market: MarketPart) -> Iterator[str]:
        rows = [
            [
                kind.kind,
                f"{kind.boost_pct}%",
                _seconds(kind.live_ms),
                _seconds(kind.present_ms),
                percent_text(kind.gate_bps),
                *map(self._amount, (kind.quoting, kind.fills, kind.stress)),
                self._amount(kind.quoting + kind.fills + kind.stress),
            ]
            for kind in market.kinds
        ]
        if market.unplaced_stress:
            stress = self._amount(market.unplaced_stress)
            rows.append(["in stress windows", "", "", "", "", "0", "0", stress, stress])
        amounts = (market.quoting, market.fills, market.stress, market.quoting + market.fills + market.stress)
        rows.append(["all kinds", "", "", "", "", *map(self._amount, amounts)])
        heading = ["kind", "boost", "live s", "present s", "least", "quoting", "fills", "stress", "before the cap"]
        return table(heading, rows, left=1)

    def _stretches(self, stretches: Sequence[Stretch]) -> Iterator[str]:
        rows = []
        for each in stretches:
            assert each.statistics is not None  # noqa: S101 - asked for only where there are statistics
            share = _number(each.statistics["share"], factor=100)
            amounts = (each.quoting, each.fills, each.stress, each.amount)
            rows.append([*_when(each), share, *map(self._amount, amounts)])
        sums = [sum(getattr(each, name) for each in stretches) for name in ("quoting", "fills", "stress", "amount")]
        rows.append(["all sessions", "", "", "", *map(self._amount, sums)])
        heading = ["from (UTC)", "to", "kind", "share %", "quoting", "fills", "stress", "before the cap"]
        return table(heading, rows, left=3)


def _quotes(stretches: Sequence[Stretch]) -> Iterator[str]:
    heading = ["from (UTC)", "to", "kind", "spread bps", "bid away", "ask away", "quality"]
    heading += ["bids 10 bps", "25", "50", "100", "asks 10 bps", "25", "50", "100"]
    names = ["spread_bps", "bid_distance_bps", "ask_distance_bps", "quality_lots"]
    names += [f"{side}_depth_{bps}_bps_lots" for side in ("bid", "ask") for bps in (10, 25, 50, 100)]
    rows = []
    for each in stretches:
        row = each.statistics or {}
        rows.append([*_when(each), *(_number(row[name]) for name in names)])
    return table(heading, rows, left=3)


def _reasons(stretches: Sequence[Stretch]) -> Iterator[str]:
    rows, sums = [], [0] * (len(WHY) + 1)
    for each in stretches:
        row = each.statistics or {}
        times = [int(row[f"{why}_ms"]) for why in WHY]
        times.append(sum(times))
        sums = [total + time for total, time in zip(sums, times, strict=True)]
        rows.append([*_when(each), *map(_seconds, times)])
    rows.append(["all sessions, s", "", "", *map(_seconds, sums)])
    names = [why.replace("_", " ") for why in WHY]
    return table(["from (UTC)", "to", "kind", *names, "sum"], rows, left=3)


def _count(addresses: Sequence[str]) -> str:
    if not addresses:
        return "no address of this epoch"
    return "1 address" if len(addresses) == 1 else f"{len(addresses)} addresses"


def _share_text(maker: MakerPart) -> str:
    if maker.vaults and not maker.share_ppm:
        return "through a vault"
    return _ppm_text(maker.share_ppm) + (" and a vault" if maker.vaults else "")


def _holders(count: int) -> str:
    return "the one holder" if count == 1 else f"the {count:,} holders"


def _when(each: Stretch) -> tuple[str, str, str]:
    return _utc(each.start_ms or 0), _utc(each.end_ms or 0), each.kind


def _utc(time_ms: int) -> str:
    """Write a time as 2026-09-21 14:13:20, with milliseconds only where there are any."""
    text = str(np.datetime_as_string(np.datetime64(time_ms, "ms"))).replace("T", " ")
    return text.removesuffix(".000")


def _seconds(time_ms: int) -> str:
    return f"{time_ms // 1000:,}.{time_ms % 1000:03d}"


def _number(value: float | None, *, factor: float = 1) -> str:
    return "-" if value is None else f"{value * factor:,.2f}"


def _ppm_text(ppm: int) -> str:
    return f"{ppm // 10_000}.{ppm % 10_000:04d}%"


def _indent(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield f"  {line}".rstrip()
