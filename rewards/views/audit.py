"""The auditors' page: who changed what and when, whether the log is unbroken, and the log itself to take away."""

import time

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from audit import selectors
from audit.chain import NOTHING, Head, Verdict
from rewards.views import access
from rewards.views.audit_words import row_of
from rewards.views.forms import AuditFilterForm

_FOR_WHOM = "The audit log is for treasurers, reviewers, guardians, operators and auditors."
PAGE = 50
WHOLE_AGAIN_S = 600
"""The whole chain is recomputed at least so often; between, only what is new."""


class _Checked:
    """How far this process has recomputed the chain, so that a page need not begin at the first entry."""

    head: Head = NOTHING
    whole_at_s: float = 0.0


@require_safe
@never_cache
def log(request: HttpRequest) -> HttpResponseBase:
    """Show the newest entries, or those that were asked for."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=_FOR_WHOM)
    form = AuditFilterForm(request.GET)
    found = selectors.entries(**form.filters())
    if before := form.before():
        found = found.filter(sequence__lt=before)
    rows = [row_of(entry) for entry in found[: PAGE + 1]]
    asked = {name: str(value) for name, value in request.GET.items() if name != "before" and value}
    older = urlencode({**asked, "before": str(rows[PAGE - 1].sequence)}) if len(rows) > PAGE else ""
    context = {
        "section": "treasury", "form": form, "rows": rows[:PAGE], "older": older, "newest": not before, "asked": asked,
        "state": chain_state(now_s=time.monotonic()),
        "export_query": urlencode(asked),
        "command": "python -m audit audit.jsonl --evidence EVIDENCE_FOLDER",
    }  # fmt: skip
    return render(request, "treasury/audit.html", context)


@require_safe
@never_cache
def export(request: HttpRequest) -> HttpResponseBase:
    """Send the whole log as JSON lines, or the entries that were asked for; only the whole can be recomputed."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=_FOR_WHOM)
    filters = AuditFilterForm(request.GET).filters()
    found = selectors.entries(**filters).order_by("sequence") if filters else None
    response = StreamingHttpResponse(selectors.export_lines(found), content_type="application/jsonl")
    response["Content-Disposition"] = 'attachment; filename="audit.jsonl"'
    return response


def chain_state(*, now_s: float) -> Verdict:
    """Recompute what is new since this process last looked, and everything when that is a while ago.

    now_s: a clock that only goes forward.
    """
    whole = _Checked.head == NOTHING or now_s - _Checked.whole_at_s > WHOLE_AGAIN_S
    verdict = selectors.chain_state(after=NOTHING if whole else _Checked.head)
    _Checked.head = NOTHING if verdict.broken else verdict.head
    if whole:
        _Checked.whole_at_s = now_s
    return verdict
