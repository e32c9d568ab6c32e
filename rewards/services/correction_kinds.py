"""The kinds of correction, one small class each: what it takes, what it says, and what it changes in an epoch.

A new kind is a class here and an entry in KINDS. What it changes is read where an epoch's inputs are gathered, from
corrections that are applied, so that scoring needs to know of no kind.
"""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from accounts.fields import address_pattern
from accounts.models import Maker
from accounts.selectors_makers import payouts_at
from rewards.errors import CorrectionRefusedError
from rewards.models import Correction, Epoch, MarketAction
from rewards.selectors.actions import late_actions

Data = dict[str, Any]
MOST_ADDRESSES = 50


class CorrectionKind:
    """What all kinds share; by itself it changes nothing."""

    code: ClassVar[str]
    label: ClassVar[str]
    fields: ClassVar[tuple[str, ...]] = ()
    """What a form asks for beside the reason."""
    is_offered: ClassVar[bool] = False
    """Pages offer it where there is something of its kind; nobody picks it from a list."""

    def checked(self, *, epoch: Epoch, given: Mapping[str, str]) -> Data:
        """Return what is kept of a form's fields. Raises CorrectionRefusedError."""
        return {}

    def check_stands(self, *, epoch: Epoch, data: Data) -> None:
        """Raise CorrectionRefusedError when what was entered is not so any more; asked when it is confirmed."""

    def words(self, *, data: Data) -> str:
        """Say what changes, in a sentence for everybody."""
        raise NotImplementedError

    def makers(self, *, data: Data, makers: dict[str, str]) -> dict[str, str]:
        """Return the epoch's addresses to makers as they are with the correction."""
        return makers


class LinkCorrection(CorrectionKind):
    """Addresses that belonged to another maker in this epoch, or to none."""

    code = "link"
    label = "Addresses belonged to another maker"
    fields = ("addresses", "maker")

    def checked(self, *, epoch: Epoch, given: Mapping[str, str]) -> Data:
        """Take addresses, separated by anything but letters and digits, and a maker's id (empty: none)."""
        addresses = sorted({word.lower() for word in given.get("addresses", "").replace(",", " ").split()})
        if not 1 <= len(addresses) <= MOST_ADDRESSES:
            raise CorrectionRefusedError(reason=f"name 1 to {MOST_ADDRESSES} addresses")
        for address in addresses:
            if not address_pattern.match(address):
                raise CorrectionRefusedError(reason=f"{address[:50]} is no address (0x and 40 hex digits)")
        maker = given.get("maker", "")
        if maker and not Maker.objects.filter(slug=maker).exists():
            raise CorrectionRefusedError(reason=f"there is no maker called {maker[:64]}")
        if maker and maker not in payouts_at(start_ms=epoch.start_ms):
            raise CorrectionRefusedError(
                reason=f"{maker} had no payout account in this epoch, so nothing could be paid to it"
            )
        return {"addresses": addresses, "maker": maker}

    def words(self, *, data: Data) -> str:
        """Name the addresses whole: they are public in the evidence."""
        to = f"counted for {data['maker']}" if data["maker"] else "counted for no maker"
        return f"{', '.join(data['addresses'])}: {to} in this epoch."

    def makers(self, *, data: Data, makers: dict[str, str]) -> dict[str, str]:
        """Move the addresses, or take them out."""
        moved: list[str] = data["addresses"]
        others = {address: maker for address, maker in makers.items() if address not in moved}
        return others | {address: str(data["maker"]) for address in moved if data["maker"]}


class DataCorrection(CorrectionKind):
    """What the epoch is scored from was put right where it belongs; there is nothing to enter here."""

    code = "data"
    label = "Read again what it is scored from"

    def words(self, *, data: Data) -> str:
        """Say so."""
        return "The epoch is scored from what the chain and the lists of halts, closures and splits say now."


class ActionCorrection(CorrectionKind):
    """A halt, closure or split was confirmed, or withdrawn, after the epoch had been scored.

    It changes nothing by itself: an epoch that is scored again takes the list as it is then, and the list has the
    action. What is kept here says which one two people meant.
    """

    code = "action"
    label = "A halt, closure or split that came after scoring"
    fields = ("action",)
    is_offered = True

    def checked(self, *, epoch: Epoch, given: Mapping[str, str]) -> Data:
        """Take the number of an action that the epoch's result has not, or has wrongly."""
        asked = given.get("action", "")
        rows = {str(row.action.pk): row for row in late_actions(epoch=epoch)}
        if asked not in rows:
            raise CorrectionRefusedError(
                reason="no halt, closure or split of this number was confirmed or withdrawn after the epoch was scored"
            )
        action = rows[asked].action
        return {
            "action": action.pk, "kind": action.kind, "subject": action.subject, "from_ms": action.from_ms,
            "to_ms": action.to_ms, "new": action.new_shares, "old": action.old_shares,
            "counts": action.withdrawn_at is None,
        }  # fmt: skip

    def check_stands(self, *, epoch: Epoch, data: Data) -> None:
        """Refuse what was withdrawn since, or is in the result by now; holds the action's row."""
        # A withdrawal waits for this row, and then finds the confirmed correction (actions.action_withdraw).
        list(MarketAction.objects.select_for_update().filter(pk=data["action"]))
        if self.checked(epoch=epoch, given={"action": str(data["action"])}) != data:
            raise CorrectionRefusedError(reason="it has been withdrawn since; withdraw this correction as well")

    def words(self, *, data: Data) -> str:
        """Name the action, with its times in UTC."""
        counts = "counts" if data["counts"] else "does not count any more"
        since = "confirmed" if data["counts"] else "withdrawn"
        return f"{_named(data)}, {counts}: it was {since} after the epoch had been scored."


def _named(data: Data) -> str:
    begins = _utc(data["from_ms"])
    if data["kind"] == MarketAction.Kind.SPLIT:
        return f"The split of {data['subject']}, {data['new']} new for {data['old']} old at {begins} UTC"
    what = "halt of" if data["kind"] == MarketAction.Kind.HALT else "closure of the exchange"
    return f"The {what} {data['subject']}, from {begins} to {_utc(data['to_ms'])} UTC"


def _utc(time_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(time_ms // 1000, tz=dt.UTC):%Y-%m-%d %H:%M:%S}"


KINDS: Final[Mapping[str, CorrectionKind]] = {
    kind.code: kind for kind in (LinkCorrection(), DataCorrection(), ActionCorrection())
}


def kind_of(code: str) -> CorrectionKind:
    """Return the kind of this code. Raises CorrectionRefusedError."""
    kind = KINDS.get(code)
    if kind is None:
        raise CorrectionRefusedError(reason=f"{code[:20] or 'nothing'} is no kind of correction")
    return kind


def makers_corrected(*, epoch: Epoch, makers: dict[str, str]) -> dict[str, str]:
    """Return address to maker of an epoch with its applied corrections, in their order, in one query."""
    applied = Correction.objects.filter(epoch=epoch, state=Correction.State.APPLIED).order_by("pk")
    for correction in applied:
        makers = kind_of(correction.kind).makers(data=correction.data, makers=makers)
    return dict(sorted(makers.items()))


def same_data(first: Data, second: Data) -> bool:
    """Whether two corrections of a kind say the same."""
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
