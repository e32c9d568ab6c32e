"""A programme's terms through time: what holds now, what comes, what is drafted, and what held in past epochs."""

import json
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rewards.errors import NotFoundError
from rewards.models import Epoch, Program, TermsVersion
from rewards.selectors.parsed_terms import terms_document
from rewards.selectors.terms_ruling import has_begun

STATE = TermsVersion.State


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsSource:
    """Terms that can be looked at, compared and exported. key: `epoch-N` or `version-N`; `document` has no epoch."""

    key: str
    label: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTerms:
    """Epochs that followed one another with the same terms, which `terms_source` gives by the key of the first."""

    key: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A version in a list, with how far it has come in words."""

    version: TermsVersion
    status: str
    is_open: bool

    @property
    def key(self) -> str:
        """What names it among everything that can be looked at and compared."""
        return f"version-{self.version.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramTerms:
    """The treasury's page of a programme. `force`: the terms of the epoch that runs, else of the last one, or None."""

    program: Program
    force: TermsSource | None
    force_title: str
    coming: tuple[TermsVersion, ...]
    open_versions: tuple[VersionRow, ...]
    versions: tuple[VersionRow, ...]
    past: tuple[PastTerms, ...]


def program_terms(*, program: Program, now_ms: int) -> ProgramTerms:
    """Return everything about a programme's terms, in four queries."""
    epochs = _brief(program)
    versions = list(program.terms_versions.select_related("author", "reviewer", "withdrawn_by"))
    rows = [version_row(version=version, versions=versions, now_ms=now_ms) for version in reversed(versions)]
    coming = [v for v in versions if v.state == STATE.SCHEDULED and (v.from_ms or 0) > now_ms]
    return ProgramTerms(
        program=program,
        force=_force(epochs, now_ms),
        force_title=_force_title(epochs, now_ms),
        coming=tuple(sorted(coming, key=lambda version: version.from_epoch or 0)),
        open_versions=tuple(row for row in rows if row.is_open),
        versions=tuple(rows),
        past=tuple(reversed(_stretches(epochs))),
    )


def version_row(*, version: TermsVersion, versions: list[TermsVersion], now_ms: int) -> VersionRow:
    """Say how far a version has come: scheduled, in force, or replaced by a later one."""
    status = str(version.get_state_display())
    if version.state == STATE.SCHEDULED:
        begun = [v for v in versions if v.state == STATE.SCHEDULED and (v.from_ms or 0) <= now_ms]
        newest = max(begun, key=lambda v: v.from_epoch or 0, default=None)
        if version in begun:
            status = "In force" if version == newest else "Replaced"
        status += f", from epoch {version.from_epoch}"
    return VersionRow(version=version, status=status, is_open=version.state in (STATE.DRAFT, STATE.IN_REVIEW))


def version_get(*, slug: str, number: int) -> TermsVersion:
    """Return a version with its programme and people; NotFoundError when there is none."""
    rows = TermsVersion.objects.select_related("program", "author", "reviewer", "withdrawn_by")
    version = rows.filter(program__slug=slug, number=number).first()
    if version is None:
        raise NotFoundError(kind="version of the terms", name=f"{slug} {number}")
    return version


def terms_in_force(*, program: Program, now_ms: int) -> TermsSource | None:
    """Return the terms of the epoch that runs, else of the last one that began, else of the first to come."""
    return _force(_brief(program), now_ms)


def terms_source(*, program: Program, key: str) -> TermsSource:
    """Return the terms that a key names; NotFoundError when it names none."""
    kind, _, number = key.partition("-")
    if number.isdecimal() and len(number) < 10:
        if kind == "version":
            version = program.terms_versions.filter(number=int(number)).first()
            if version is not None:
                return version_source(version=version)
        elif kind == "epoch":
            epoch = program.epochs.filter(number=int(number)).first()
            if epoch is not None:
                return _source(epoch, f"Epoch {epoch.number}")
    raise NotFoundError(kind="set of terms", name=key)


def version_source(*, version: TermsVersion) -> TermsSource:
    """Return a version's terms."""
    label = f"Version {version.number}"
    return TermsSource(key=f"version-{version.number}", label=label, document=json.loads(version.terms_json))


def announced(*, program: Program, now_ms: int) -> list[TermsVersion]:
    """Return the accepted versions whose epoch has not begun, the nearest first, in one query."""
    rows = program.terms_versions.filter(state=STATE.SCHEDULED, from_ms__gt=now_ms)
    return list(rows.order_by("from_epoch"))


def _force(epochs: list[Epoch], now_ms: int) -> TermsSource | None:
    begun = [epoch for epoch in epochs if has_begun(epoch=epoch, now_ms=now_ms)]
    epoch = begun[-1] if begun else next(iter(epochs), None)
    return None if epoch is None else _source(epoch, f"Epoch {epoch.number}")


def _force_title(epochs: list[Epoch], now_ms: int) -> str:
    if any(epoch.state == Epoch.State.LIVE for epoch in epochs):
        return "In force"
    return "Held last" if any(has_begun(epoch=epoch, now_ms=now_ms) for epoch in epochs) else "To begin with"


def _source(epoch: Epoch, label: str) -> TermsSource:
    document = {key: value for key, value in terms_document(epoch=epoch).items() if key != "epoch"}
    return TermsSource(key=f"epoch-{epoch.number}", label=label, document=document)


def _stretches(epochs: list[Epoch]) -> list[PastTerms]:
    """Put epochs that follow one another with the same terms together."""
    groups = [list(group) for _, group in groupby(epochs, key=lambda epoch: epoch.terms_key)]
    return [PastTerms(key=f"epoch-{group[0].number}", label=_numbers(group)) for group in groups]


def _brief(program: Program) -> list[Epoch]:
    """Return a programme's epochs; of the one that rules alone the terms are fetched, by whoever reads them."""
    return list(program.epochs.brief().order_by("number"))


def _numbers(group: list[Epoch]) -> str:
    first, last = group[0].number, group[-1].number
    return f"Epoch {first}" if first == last else f"Epochs {first} to {last}"
