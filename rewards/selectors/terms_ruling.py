"""Which terms hold for which epoch: the accepted versions, the template before them, and the epochs to come."""

from dataclasses import dataclass

from rewards.calendars import AfterLastDayError, days_later_ms
from rewards.models import Epoch, Program, TermsVersion

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RulingTerms:
    """The terms of an epoch that is not made yet. `version` is None where the programme's template rules."""

    terms_json: str
    epoch_days: int
    version: TermsVersion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComingEpoch:
    """An epoch that has not begun. `is_made`: it stands in the table, with its times and sessions fixed."""

    number: int
    start_ms: int
    end_ms: int
    is_made: bool


def ruling_terms(*, program: Program, number: int) -> RulingTerms | None:
    """Return the terms that hold for an epoch: the last version accepted for it or before, else the template."""
    version = ruling_version(program=program, number=number)
    if version is not None:
        return RulingTerms(terms_json=version.terms_json, epoch_days=version.epoch_days, version=version)
    if program.template_json:
        return RulingTerms(terms_json=program.template_json, epoch_days=program.epoch_days, version=None)
    return None


def ruling_version(*, program: Program, number: int) -> TermsVersion | None:
    """Return the scheduled version that holds for an epoch, None when there is none."""
    scheduled = program.terms_versions.filter(state=TermsVersion.State.SCHEDULED, from_epoch__lte=number)
    return scheduled.order_by("-from_epoch").first()


def has_begun(*, epoch: Epoch, now_ms: int) -> bool:
    """Whether the epoch's time has come by the chain's clock, even if nothing has turned it live yet."""
    return epoch.state != Epoch.State.SCHEDULED or epoch.start_ms <= now_ms


def needs_first_start(*, program: Program, now_ms: int) -> bool:
    """Whether no epoch runs or waits, so that the next one needs a date."""
    last = program.epochs.brief().order_by("-number").first()
    return last is None or last.end_ms <= now_ms


def coming_epochs(
    *, program: Program, now_ms: int, first_start_ms: int | None = None, epoch_days: int | None = None, count: int = 6
) -> list[ComingEpoch]:
    """Return the epochs to come: those that are made, then as many more as it takes, as they would follow.

    There are fewer where the calendar of the exchange ends.

    first_start_ms: when the next one begins where none runs; without it there is none. epoch_days: the length of those
    that are not made and no version rules; the last epoch's own length when None.
    """
    made = list(program.epochs.brief().order_by("number"))
    waiting = [epoch for epoch in made if not has_begun(epoch=epoch, now_ms=now_ms)]
    rows = [ComingEpoch(number=e.number, start_ms=e.start_ms, end_ms=e.end_ms, is_made=True) for e in waiting]
    number = made[-1].number if made else 0
    start_ms = made[-1].end_ms if made and made[-1].end_ms > now_ms else first_start_ms
    days = epoch_days or usual_days(program=program)
    while start_ms is not None and len(rows) < count:
        number += 1
        ruling = ruling_terms(program=program, number=number)
        try:
            end_ms = days_later_ms(program.calendar, start_ms, ruling.epoch_days if ruling else days)
        except AfterLastDayError:
            break
        rows.append(ComingEpoch(number=number, start_ms=start_ms, end_ms=end_ms, is_made=False))
        start_ms = end_ms
    return rows


def free_epochs(*, version: TermsVersion, now_ms: int) -> list[ComingEpoch]:
    """Return the epochs to come from which a version could hold: no other one is scheduled for them."""
    program = version.program
    scheduled = program.terms_versions.filter(state=TermsVersion.State.SCHEDULED)
    taken = set(scheduled.values_list("from_epoch", flat=True))
    coming = coming_epochs(program=program, now_ms=now_ms, first_start_ms=version.first_start_ms)
    return [epoch for epoch in coming if epoch.number not in taken]


def usual_days(*, program: Program) -> int:
    """Return the length of the programme's epochs, in days: of the last one, else as the programme says."""
    last = program.epochs.brief().order_by("-number").first()
    if last is None:
        return program.epoch_days
    return max(1, round((last.end_ms - last.start_ms) / _DAY_MS))
