"""The inputs of an epoch, checked: all that its root depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rewards.engine.errors import InputError
from rewards.engine.events import EventColumns
from rewards.engine.sessions import Sessions
from rewards.engine.splits import Split, check_splits
from rewards.engine.termfields import ADDRESS
from rewards.engine.terms import Terms
from rewards.engine.vaults import Vaults


@dataclass(frozen=True)
class Inputs:
    """The inputs of an epoch; making one checks that they fit together. Raises SessionsError, InputError.

    makers: enrolled address to maker. payouts: maker to (account, share_ppm), in payout order.
    carried_in: maker to amount. previous: leaves (account, token, cumulative) of the tree before, None before
    the first epoch. vaults: those of the payout accounts whose amount is split over the holders of a share token.
    splits: of any markets; those that lie before a market's first event change nothing.
    """

    terms: Terms
    sessions: Sessions
    makers: Mapping[str, str]
    payouts: Mapping[str, Sequence[tuple[str, int]]]
    carried_in: Mapping[str, int]
    previous: Sequence[tuple[str, str, int]] | None
    events: EventColumns
    vaults: Vaults = field(default_factory=Vaults)
    splits: Sequence[Split] = ()

    def __post_init__(self) -> None:
        epoch = self.terms.epoch
        self.sessions.check_cover(start_ms=epoch.start_ms, end_ms=epoch.end_ms)
        for address, maker in self.makers.items():
            if address != address.lower() or not address.startswith("0x"):
                raise InputError(table="makers", reason=f"{address} is not an address in lower-case hex")
            if not maker:
                raise InputError(table="makers", reason=f"{address} belongs to a maker without a name")
        for maker, amount in self.carried_in.items():
            if amount < 0:
                raise InputError(table="carried_in", reason=f"{maker} carries {amount}, less than nothing")
        self._check_payouts()
        self.vaults.check_payouts(self.payouts)
        self._check_previous()
        check_splits(self.splits)

    def _check_payouts(self) -> None:
        for maker, shares in self.payouts.items():
            for account, share_ppm in shares:
                if not ADDRESS.fullmatch(account):
                    reason = f"{account} of {maker} is not 0x and 40 lower-case hex digits"
                    raise InputError(table="payouts", reason=reason)
                if share_ppm < 0:
                    raise InputError(table="payouts", reason=f"{maker} gives {account} a share below 0")

    def _check_previous(self) -> None:
        seen: set[tuple[str, str]] = set()
        for account, token, amount in self.previous or ():
            if (account, token) in seen:
                reason = f"{account} with token {token} is there twice"
                raise InputError(table="previous_cumulative", reason=reason)
            seen.add((account, token))
            if not ADDRESS.fullmatch(account) or not ADDRESS.fullmatch(token):
                reason = f"{account} or {token} is not 0x and 40 lower-case hex digits"
                raise InputError(table="previous_cumulative", reason=reason)
            if amount < 0:
                raise InputError(table="previous_cumulative", reason=f"the amount of {account} is below 0")
