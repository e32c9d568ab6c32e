"""Makes the epochs to come from the terms that rule them, again whenever a version is accepted or withdrawn."""

import json

from rewards.calendars import build_sessions, days_later_ms
from rewards.engine.jsontext import canonical_json
from rewards.engine.terms import Terms, parse_terms
from rewards.models import Epoch, EpochSession, Program, TermsVersion
from rewards.selectors.terms_ruling import has_begun, ruling_terms, ruling_version


def waiting_epochs(*, program: Program, from_epoch: int, now_ms: int) -> list[Epoch]:
    """Lock and return the epochs from `from_epoch` on that have not begun, by number."""
    rows = program.epochs.select_for_update().filter(number__gte=from_epoch).order_by("number")
    return [epoch for epoch in rows if not has_begun(epoch=epoch, now_ms=now_ms)]


def unversioned(*, program: Program, epochs: list[Epoch]) -> dict[str, str]:
    """Return the terms of those epochs that no version stands behind, by number: what a withdrawal restores."""
    return {str(e.number): e.terms_json for e in epochs if ruling_version(program=program, number=e.number) is None}


def epochs_remake(*, program: Program, from_epoch: int, now_ms: int) -> None:
    """Give every epoch from `from_epoch` on that has not begun the terms, length and sessions that now rule it.

    An epoch that nothing rules any more gets back what it had before a version replaced it, or goes.
    """
    next_ms: int | None = None
    for epoch in waiting_epochs(program=program, from_epoch=from_epoch, now_ms=now_ms):
        terms = _terms_now(program, epoch, start_ms=epoch.start_ms if next_ms is None else next_ms)
        if terms is None:
            epoch.delete()
        else:
            _put(program, epoch, terms)
            next_ms = terms.epoch.end_ms


def terms_of(template_json: str, *, number: int, start_ms: int, end_ms: int) -> Terms:
    """Put an epoch into terms that have none. Raises TermsError."""
    epoch = {"number": number, "start_ms": start_ms, "end_ms": end_ms}
    return parse_terms(canonical_json(json.loads(template_json) | {"epoch": epoch}))


def _terms_now(program: Program, epoch: Epoch, *, start_ms: int) -> Terms | None:
    ruling = ruling_terms(program=program, number=epoch.number)
    before = None if ruling and ruling.version else _before(program, epoch.number)
    if before is not None:
        return parse_terms(before.encode())
    if ruling is None:
        return None
    end_ms = days_later_ms(program.calendar, start_ms, ruling.epoch_days)
    return terms_of(ruling.terms_json, number=epoch.number, start_ms=start_ms, end_ms=end_ms)


def _before(program: Program, number: int) -> str | None:
    """Return the terms that the epoch had before a version replaced them."""
    withdrawn = program.terms_versions.filter(
        state=TermsVersion.State.WITHDRAWN, replaced__has_key=str(number)
    ).order_by("-withdrawn_at")
    version = withdrawn.first()
    return None if version is None or version.replaced is None else str(version.replaced[str(number)])


def _put(program: Program, epoch: Epoch, terms: Terms) -> None:
    moved = (epoch.start_ms, epoch.end_ms) != (terms.epoch.start_ms, terms.epoch.end_ms)
    epoch.start_ms, epoch.end_ms = terms.epoch.start_ms, terms.epoch.end_ms
    epoch.terms_json, epoch.terms_sha256, epoch.budget = terms.canonical.decode(), terms.sha256, terms.budget
    epoch.save(update_fields=["start_ms", "end_ms", "terms_json", "terms_sha256", "budget"])
    if moved:
        epoch.sessions.all().delete()
        rows = build_sessions(program.calendar, epoch.start_ms, epoch.end_ms)
        EpochSession.objects.bulk_create(
            EpochSession(epoch=epoch, start_ms=start, end_ms=end, kind=kind) for start, end, kind in rows
        )
