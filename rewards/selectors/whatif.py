"""What-ifs as pages show them: what can be asked, what was asked, and what came of it."""

from dataclasses import dataclass

from django.db.models import QuerySet

from rewards.engine.jsontext import canonical_json
from rewards.errors import NotFoundError
from rewards.models import Epoch, Program, TermsVersion, WhatIfJob
from rewards.selectors.terms_history import program_terms, terms_source, version_row

AS_IT_WAS = "as-it-was"
NEWEST_EPOCHS = 24
NEWEST_JOBS = 20
_DROPPED = (TermsVersion.State.SENT_BACK, TermsVersion.State.WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsChoice:
    """Terms that can be tried. template: their canonical JSON without an epoch; empty for each epoch's own terms."""

    key: str
    label: str
    template: str


def scored_epochs(*, program: Program) -> QuerySet[Epoch]:
    """Return the epochs whose evidence can be scored anew, the newest first."""
    scored = program.epochs.filter(paid_total__isnull=False).exclude(evidence_name="")
    return scored.brief().order_by("-number")


def terms_choices(*, program: Program, now_ms: int) -> list[tuple[str, str]]:
    """Return (key, label) of all terms that can be tried: each epoch's own, versions, what held in the past."""
    view = program_terms(program=program, now_ms=now_ms)
    versions = [
        (row.key, f"Version {row.version.number} ({row.status.lower()})")
        for row in view.versions
        if row.version.state not in _DROPPED
    ]
    past = [(source.key, f"{source.label}, as they were then") for source in view.past]
    return [(AS_IT_WAS, "Each epoch’s own terms"), *versions, *past]


def terms_choice(*, program: Program, key: str, now_ms: int) -> TermsChoice:
    """Return the terms that a key names; NotFoundError when it names none."""
    if key == AS_IT_WAS:
        return TermsChoice(key=key, label="each epoch’s own terms", template="")
    source = terms_source(program=program, key=key)
    label = f"the terms of {source.label.lower()}"
    if key.startswith("version-"):
        versions = list(program.terms_versions.all())
        version = next(each for each in versions if f"version-{each.number}" == key)
        label = f"version {version.number}"
        if version.state != TermsVersion.State.SCHEDULED:
            label += f" ({version_row(version=version, versions=versions, now_ms=now_ms).status.lower()})"
    return TermsChoice(key=key, label=label, template=canonical_json(source.document).decode())


def whatif_get(*, job_id: int, whole: bool = False) -> WhatIfJob:
    """Return a what-if with its programme and person; NotFoundError when there is none. whole: with all its rows."""
    rows = WhatIfJob.objects.select_related("program", "asked_by")
    found = (rows if whole else rows.defer("result")).filter(pk=job_id).first()
    if found is None:
        raise NotFoundError(kind="what-if", name=str(job_id))
    return found


def whatifs_newest(*, program: Program) -> list[WhatIfJob]:
    """Return the newest what-ifs of a programme, in one query."""
    rows = WhatIfJob.objects.filter(program=program).select_related("asked_by", "program")
    return list(rows.defer("result", "summary", "before_json", "after_json")[:NEWEST_JOBS])
