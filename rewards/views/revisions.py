"""Results of an epoch side by side for everybody: what was replaced, why, by what, and the evidence of each."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from rewards.selectors.disputes import dispute_counts
from rewards.selectors.evidence import evidence_files
from rewards.selectors.programs import epoch_get
from rewards.selectors.revisions import RevisionRow, Step, revision_rows, revision_steps
from rewards.selectors.rows import epoch_row
from rewards.selectors.treasury import maker_names
from rewards.views.evidence import evidence_response
from rewards.views.pages import missing_is_404, page_now_ms

_MOST_ROWS = 200
"""Of one table; the rest is in the evidence."""


@require_safe
@missing_is_404
def revisions(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """Show an epoch's results, the newest change first."""
    stored = epoch_get(slug=slug, number=number)
    now_ms = page_now_ms()
    context = {
        "section": "programmes",
        "program": stored.program,
        "epoch": epoch_row(epoch=stored, now_ms=now_ms),
        "now_ms": now_ms,
        "steps": [_step(step) for step in revision_steps(epoch=stored)],
        "revisions": [_revision(request, slug, number, row) for row in revision_rows(epoch=stored)],
        "disputes": dispute_counts(epoch=stored),
        "names": maker_names(),
        "being_scored": stored.paid_total is None,
    }
    return render(request, "public/revisions.html", context)


@require_safe
@missing_is_404
def revision_tar(_request: HttpRequest, slug: str, number: int, revision: int) -> HttpResponseBase:
    """Send the whole evidence of one of an epoch's results."""
    stored = epoch_get(slug=slug, number=number)
    row = next((row for row in revision_rows(epoch=stored) if row.number == revision), None)
    if row is None:
        raise Http404(f"Epoch {number} has no result {revision}.")
    return evidence_response(evidence_name=row.evidence_name, name=_name(slug, number, revision))


def _name(slug: str, number: int, revision: int) -> str:
    return f"{slug}-{number}-result-{revision}"


def _revision(request: HttpRequest, slug: str, number: int, row: RevisionRow) -> dict[str, Any]:
    name = _name(slug, number, row.number)
    address = reverse("revision-tar", args=[slug, number, row.number])
    whole = request.build_absolute_uri(address)
    return {
        "row": row,
        "address": address,
        "has_evidence": bool(evidence_files(evidence_name=row.evidence_name)),
        "command": f"curl -fsSo {name}.tar {whole}\ntar -xf {name}.tar\npython -m rewards.engine verify {name}",
    }


def _step(step: Step) -> dict[str, Any]:
    names = maker_names()
    return {
        "step": step,
        "because": [line for line in step.before.because.splitlines() if line],
        "totals": step.totals,
        "makers": [{"name": names.get(row.what[0], row.what[0]), "row": row} for row in step.makers[:_MOST_ROWS]],
        "accounts": step.accounts[:_MOST_ROWS],
        "markets": [
            {"market": row.what[0], "name": names.get(row.what[1], row.what[1]), "row": row}
            for row in step.markets[:_MOST_ROWS]
        ],
        "presence": [
            {"market": row.what[0], "name": names.get(row.what[1], row.what[1]), "kind": row.what[2], "row": row}
            for row in step.presence[:_MOST_ROWS]
        ],
        "credit_only": max(0, len({row.what for row in step.credit} - {row.what for row in step.presence})),
        "more": max(0, max(map(len, (step.makers, step.accounts, step.markets, step.presence))) - _MOST_ROWS),
    }
