"""Market actions in sentences: what happens when, who entered it and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from accounts.models import User
from rewards.calendars import calendar_zone
from rewards.models import Epoch, MarketAction
from rewards.selectors.actions import actions_of, actions_to_correct
from rewards.services.actions import ActionDraft

_FRACTIONS = {2: "half", 3: "a third of", 4: "a quarter of", 5: "a fifth of", 10: "a tenth of"}
CITIES = {"America/New_York": "New York", "Europe/London": "London", "Asia/Tokyo": "Tokyo"}


@dataclass(frozen=True, kw_only=True)
class ActionLine:
    """An action as a page shows it. behind: the epochs that were scored before it came and can still be corrected."""

    action: MarketAction
    sentence: str
    entered: str
    confirmed: str
    note: str = ""
    behind: tuple[int, ...] = ()


def action_lines(*, epoch: Epoch) -> list[ActionLine]:
    """Return what applied in an epoch, and what was learnt too late for it."""
    zone = calendar_zone(epoch.program.calendar)
    return [
        action_line(action=row.action, zone=zone, note=_late(in_result=row.in_result) if row.after_scoring else "")
        for row in actions_of(epoch=epoch)
    ]


def late_lines(*, epoch: Epoch) -> list[ActionLine]:
    """Return what an epoch that can be corrected was scored without, or wrongly with, and nobody has corrected yet.

    note: the correction's reason as a form proposes it.
    """
    if epoch.state not in Epoch.CORRECTABLE:
        return []
    zone = calendar_zone(epoch.program.calendar)
    return [
        action_line(action=row.action, zone=zone, note=row.action.withdrawn_why if row.in_result else row.action.reason)
        for row in actions_to_correct(epoch=epoch)
    ]


def action_line(*, action: MarketAction, zone: ZoneInfo, note: str = "", behind: Sequence[int] = ()) -> ActionLine:
    """Return one action as a page shows it."""
    return ActionLine(
        action=action,
        sentence=action_sentence(action=action, zone=zone),
        entered=who(role=action.entered_as, person=action.entered_by),
        confirmed=who(role=action.confirmed_as, person=action.confirmed_by),
        note=note,
        behind=tuple(behind),
    )


def action_sentence(*, action: MarketAction | ActionDraft, zone: ZoneInfo) -> str:
    """Say what an action does, and when by the exchange's clock."""
    begins = _moment(action.from_ms, zone)
    if action.kind == MarketAction.Kind.SPLIT:
        new, old = action.new_shares or 1, action.old_shares or 1
        return (
            f"On {begins}, {action.subject}: {new} new for {old} old. Orders in the book go on as "
            f"{_times(new, old)} the lots at {_times(old, new)} the price."
        )
    ends_ms = action.to_ms or action.from_ms
    if action.kind == MarketAction.Kind.HALT:
        ends = _moment(ends_ms, zone)
        if _day(action.from_ms, zone) == _day(ends_ms, zone):
            begins, ends = begins.removesuffix(f" {_city(zone)} time"), ends.partition(", ")[2]
        return (
            f"{action.subject} stands still from {begins} to {ends}. Nothing is earned in that time, "
            "and it counts against nobody."
        )
    first, last = _day(action.from_ms, zone), _day(ends_ms - 1, zone)
    days = f"on {first}" if first == last else f"from {first} to {last}"
    return f"The exchange is closed {days}. Its hours then count as a holiday or weekend, as on any closed day."


def who(*, role: str, person: User | None) -> str:
    """Name a person, as everybody may read it, with the role that they had then."""
    return "" if person is None else f"{person.public_name} ({User.Role(role).label.lower()})"


def _late(*, in_result: bool) -> str:
    if in_result:
        return "Withdrawn after this epoch was scored: its result still has it."
    return "Confirmed after this epoch was scored: its result does not have it."


def _times(part: int, whole: int) -> str:
    if whole == 1:
        return f"{part} times"
    return _FRACTIONS.get(whole, f"1/{whole} of") if part == 1 else f"{part}/{whole} of"


def _moment(time_ms: int, zone: ZoneInfo) -> str:
    at = datetime.fromtimestamp(time_ms // 1000, zone)
    clock = f"{at:%H:%M}" if not at.second and not time_ms % 1000 else f"{at:%H:%M:%S}"
    return f"{at.day} {at:%B %Y}, {clock} {_city(zone)} time"


def _city(zone: ZoneInfo) -> str:
    return CITIES.get(zone.key, zone.key)


def _day(time_ms: int, zone: ZoneInfo) -> str:
    at = datetime.fromtimestamp(time_ms // 1000, zone)
    return f"{at.day} {at:%B %Y}"
