"""Vaults: what a maker is paid through a share token goes to the token's holders by their time-weighted balance.

Source: docs/vaults.md, an extension of docs/spec/evidence.md and docs/spec/scoring.md (*Payout of the epoch*).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from rewards.engine.errors import InputError
from rewards.engine.termfields import ADDRESS

NOBODY = "0x" + "0" * 40
Holders = Mapping[str, int]
"""Account to weight: balance in the share's smallest unit times the milliseconds that it was held in the epoch."""


@dataclass(frozen=True)
class Vaults:
    """The vaults of an epoch; none in most. Making one checks it. Raises InputError.

    operators: (vault, maker) to the account that gets what cannot be split. holders: vault to its holders; a vault
    that nobody held for a millisecond has none.
    """

    operators: Mapping[tuple[str, str], str] = field(default_factory=dict)
    holders: Mapping[str, Holders] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is any vault."""
        return bool(self.operators)

    def __post_init__(self) -> None:
        for (vault, maker), operator in self.operators.items():
            for account in (vault, operator):
                if not ADDRESS.fullmatch(account):
                    raise InputError(table="vaults", reason=f"{account} is not 0x and 40 lower-case hex digits")
            if operator in (vault, NOBODY):
                raise InputError(table="vaults", reason=f"the operator of {vault} of {maker} can't be {operator}")
        named = {vault for vault, _ in self.operators}
        for vault, holders in self.holders.items():
            if vault not in named:
                raise InputError(table="holders", reason=f"{vault} is no vault of vaults.csv")
            for account, weight in holders.items():
                _check_holder(vault, account, weight)

    def without(self, *, makers: Collection[str]) -> Vaults:
        """Return the vaults of all other makers, with the holders of those alone."""
        operators = {pair: operator for pair, operator in self.operators.items() if pair[1] not in makers}
        named = {vault for vault, _ in operators}
        return Vaults(operators, {vault: holders for vault, holders in self.holders.items() if vault in named})

    def check_payouts(self, payouts: Mapping[str, Sequence[tuple[str, int]]]) -> None:
        """Check that every maker with a vault is paid there. Raises InputError."""
        for vault, maker in self.operators:
            if vault not in {account for account, _ in payouts.get(maker, ())}:
                raise InputError(table="vaults", reason=f"{maker} is not paid to its vault {vault} in payouts.csv")


@dataclass(frozen=True)
class PaidPart:
    """What one maker's pay brings one account; vault: the vault through which, None when it is paid directly."""

    maker: str
    account: str
    amount: int
    vault: str | None = None


def split_over_holders(amount: int, *, holders: Holders, operator: str) -> dict[str, int]:
    """Return what each account gets of a vault's amount: `amount * weight // total`; the operator the floors' rest.

    Without a holder all goes to the operator. Accounts that get nothing are left out; the sum is the amount.
    """
    total = sum(holders.values())
    parts = {account: amount * weight // total for account, weight in holders.items()} if total else {}
    parts[operator] = parts.get(operator, 0) + amount - sum(parts.values())
    return {account: part for account, part in parts.items() if part}


def parts_of(
    *, maker: str, accounts: Sequence[tuple[str, int]], vaults: Vaults
) -> list[PaidPart]:  # fmt: skip
    """Return where a maker's pay goes, given what each of its payout accounts gets; zeros are left out."""
    parts = []
    for account, amount in accounts:
        operator = vaults.operators.get((account, maker))
        if operator is None:
            parts += [PaidPart(maker, account, amount)] if amount else []
            continue
        split = split_over_holders(amount, holders=vaults.holders.get(account, {}), operator=operator)
        parts += [PaidPart(maker, holder, part, account) for holder, part in split.items()]
    return parts


def _check_holder(vault: str, account: str, weight: int) -> None:
    if not ADDRESS.fullmatch(account):
        raise InputError(table="holders", reason=f"{account} of {vault} is not 0x and 40 lower-case hex digits")
    if account in (vault, NOBODY):
        raise InputError(table="holders", reason=f"{account} can't be a holder of {vault}")
    if weight < 1:
        raise InputError(table="holders", reason=f"the weight of {account} in {vault} is below 1")
