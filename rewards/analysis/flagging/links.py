"""Flags from accounts: two makers that share payout accounts, recipients of claims, or send each other the token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from rewards.analysis.flagging import thresholds as at
from rewards.analysis.flagging.finding import MOST_ROWS, NOTE, SERIOUS, Finding, Money, percent

PPM = 1_000_000
Transfer = tuple[str, str, int, int]
"""From, to, amount in the token's smallest unit, block."""


def shared_accounts(
    *, payouts: Mapping[str, Sequence[tuple[str, int]]], makers: Mapping[str, str], names: Mapping[str, str]
) -> list[Finding]:
    """Flag payout accounts of several makers, and a maker that pays an address that quotes for another.

    payouts: maker to (account, share_ppm). makers: quoting address to maker.
    """
    shares: dict[str, dict[str, int]] = {}
    for maker, rows in payouts.items():
        for account, share_ppm in rows:
            shares.setdefault(account, {})[maker] = share_ppm
    findings = []
    for account, of_makers in sorted(shares.items()):
        for pair in combinations(sorted(of_makers), 2):
            findings.append(_shared(account, (pair[0], pair[1]), of_makers, names))
        owner = makers.get(account)
        for maker in sorted(of_makers):
            if owner is not None and owner != maker:
                findings.append(_to_rival(account, maker, owner, of_makers[maker], names))
    return findings


def shared_recipients(
    *, recipients: Mapping[str, str], accounts_of: Mapping[str, Iterable[str]], names: Mapping[str, str]
) -> list[Finding]:
    """Flag makers of whose accounts the claims go to the same place.

    recipients: account to where its claims go, of accounts that set one or whose claims went elsewhere.
    accounts_of: maker to its payout accounts.
    """
    ways: dict[str, dict[str, str]] = {}
    for maker, accounts in accounts_of.items():
        for account in sorted(accounts):
            recipient = recipients.get(account, account)
            ways.setdefault(recipient, {}).setdefault(maker, account)
    findings = []
    for recipient, of_makers in sorted(ways.items()):
        for one, two in combinations(sorted(of_makers), 2):
            accounts = (of_makers[one], of_makers[two])
            if accounts == (recipient, recipient):
                continue  # the same payout account, which has a flag of its own
            findings.append(
                Finding(
                    code="shared_recipient", level=SERIOUS, subjects=(one, two), where=recipient,
                    sentence=f"Claims of {names.get(one, one)} and of {names.get(two, two)} go to the same recipient "
                    f"{recipient}.",
                    figures={}, evidence=[{"account": each, "recipient": recipient} for each in accounts],
                )
            )  # fmt: skip
    return findings


def token_transfers(
    *, transfers: Iterable[Transfer], maker_of: Mapping[str, str], names: Mapping[str, str], money: Money
) -> list[Finding]:
    """Flag makers between whose accounts the reward token went. maker_of: quoting and payout addresses of one maker."""
    between: dict[tuple[str, str], list[Transfer]] = {}
    for row in transfers:
        one, two = maker_of.get(row[0]), maker_of.get(row[1])
        if one and two and one != two:
            between.setdefault((min(one, two), max(one, two)), []).append(row)
    findings = []
    for pair, rows in sorted(between.items()):
        total = sum(row[2] for row in rows)
        largest = sorted(sorted(rows, key=lambda row: -row[2])[:MOST_ROWS], key=lambda row: row[3])
        findings.append(
            Finding(
                code="token_transfers", level=SERIOUS, subjects=pair,
                sentence=f"{money(total)} went between accounts of {names.get(pair[0], pair[0])} and of "
                f"{names.get(pair[1], pair[1])} in {len(rows)} transfer{'' if len(rows) == 1 else 's'}.",
                figures={"transfers": len(rows), "amount": str(total)},
                evidence=[
                    {"from": a, "to": b, "amount": str(amount), "block": block} for a, b, amount, block in largest
                ],
            )
        )  # fmt: skip
    return findings


def _shared(account: str, pair: tuple[str, str], shares: Mapping[str, int], names: Mapping[str, str]) -> Finding:
    one, two = (names.get(maker, maker) for maker in pair)
    parts = [shares[maker] for maker in pair]
    return Finding(
        code="shared_account", level=SERIOUS if min(parts) >= at.SHARED_SERIOUS_PPM else NOTE, subjects=pair,
        where=account,
        sentence=f"{one} and {two} both pay {account}: {percent(parts[0] / PPM)} and {percent(parts[1] / PPM)} of what "
        "they get.",
        figures={"share_ppm": parts[0], "other_share_ppm": parts[1]},
        evidence=[{"maker": maker, "account": account, "share, ppm": share}
                  for maker, share in zip(pair, parts, strict=True)],
    )  # fmt: skip


def _to_rival(account: str, maker: str, owner: str, share_ppm: int, names: Mapping[str, str]) -> Finding:
    return Finding(
        code="paid_to_rival", level=SERIOUS, subjects=(maker, owner), where=account,
        sentence=f"{names.get(maker, maker)} pays {percent(share_ppm / PPM)} of what it gets to {account}, which "
        f"quotes for {names.get(owner, owner)}.",
        figures={"share_ppm": share_ppm}, evidence=[{"maker": maker, "account": account, "quotes for": owner}],
    )  # fmt: skip
