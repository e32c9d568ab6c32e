"""The treasury's what-ifs: ask what two sets of terms would have paid in past epochs, follow it, read and keep it."""

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import NotPermittedError
from accounts.roles import Deed, may
from rewards.errors import NotFoundError, RewardsError
from rewards.models import Program, WhatIfJob
from rewards.selectors.programs import program_get
from rewards.selectors.treasury import maker_names
from rewards.selectors.whatif import (
    AS_IT_WAS,
    NEWEST_EPOCHS,
    scored_epochs,
    terms_choice,
    terms_choices,
    whatif_get,
    whatifs_newest,
)
from rewards.services.whatif import MOST_EPOCHS, whatif_ask, whatif_cancel
from rewards.views import access
from rewards.views.pages import missing_is_404, page_now_ms
from rewards.views.treasury_programmes import FOR_WHOM
from rewards.views.whatif_words import answer_context, progress

WHO_ASKS = "What-ifs are asked by treasurers and reviewers."
_CSV_HEAD = ("epoch", "maker", "market", "before", "after", "difference")


@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
def what_ifs(request: HttpRequest) -> HttpResponseBase:
    """Show the form and the newest what-ifs of a programme; take a question."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=FOR_WHOM)
    if request.method == "POST":
        return _asked(request)
    programs = list(Program.objects.all())
    slug = request.GET.get("program", "")
    program = program_get(slug=slug) if slug else next(iter(programs), None)
    context: dict[str, Any] = {"section": "treasury", "programs": programs, "program": program}
    if program is not None:
        epochs = list(scored_epochs(program=program)[:NEWEST_EPOCHS])
        numbers = _numbers(request.GET) or [epoch.number for epoch in epochs[:4]]
        now_ms = page_now_ms()
        context |= {
            "epochs": epochs,
            "chosen": set(numbers),
            "choices": terms_choices(program=program, now_ms=now_ms),
            "before": request.GET.get("before", AS_IT_WAS),
            "after": request.GET.get("after", ""),
            "jobs": [{"job": job, "progress": progress(job)} for job in whatifs_newest(program=program)],
            "may_ask": may(person=request.user, deed=Deed.ASK_WHAT_IF),
            "most_epochs": MOST_EPOCHS,
        }
    return render(request, "treasury/what_ifs.html", context)


@require_safe
@never_cache
@missing_is_404
def what_if(request: HttpRequest, job_id: int) -> HttpResponseBase:
    """Show a what-if: how far it is, or what came of it."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=FOR_WHOM)
    job = whatif_get(job_id=job_id)
    context = {"section": "treasury", **_context(request, job), **answer_context(job, maker_names())}
    return render(request, "treasury/what_if.html", context)


@require_safe
@never_cache
@missing_is_404
def what_if_progress(request: HttpRequest, job_id: int) -> HttpResponseBase:
    """Answer the running page's poll with the progress alone; once it has ended, have the page loaded anew."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=FOR_WHOM)
    job = whatif_get(job_id=job_id)
    answer = render(request, "treasury/_what_if_progress.html", _context(request, job))
    if not job.is_open:
        answer.headers["HX-Refresh"] = "true"
    return answer


@require_POST
@missing_is_404
def what_if_cancel(request: HttpRequest, job_id: int) -> HttpResponseBase:
    """Cancel one's own what-if."""
    if not may(person=request.user, deed=Deed.ASK_WHAT_IF):
        return access.refuse(request=request, sentence=WHO_ASKS)
    job = whatif_get(job_id=job_id)
    try:
        whatif_cancel(by=request.user, job=job, now=timezone.now())
    except (RewardsError, NotPermittedError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Cancelled.")
    return redirect("what-if", job_id=job_id)


@require_safe
@missing_is_404
def what_if_csv(request: HttpRequest, job_id: int) -> HttpResponseBase:
    """Hand out every row of an answer as CSV, amounts in the token's smallest unit."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=FOR_WHOM)
    job = whatif_get(job_id=job_id, whole=True)
    if job.result is None:
        raise NotFoundError(kind="answer to the what-if", name=str(job_id))
    answer = StreamingHttpResponse(_lines(job.result), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="what-if-{job.pk}.csv"'
    return answer


def _asked(request: HttpRequest) -> HttpResponseBase:
    if not may(person=request.user, deed=Deed.ASK_WHAT_IF):
        return access.refuse(request=request, sentence=WHO_ASKS)
    program, now_ms = program_get(slug=request.POST.get("program", "")), page_now_ms()
    numbers = _numbers(request.POST)
    if request.POST.get("epochs") == "last-four":
        numbers = list(scored_epochs(program=program).values_list("number", flat=True)[:4])
    try:
        job = whatif_ask(
            by=request.user,
            program=program,
            numbers=numbers,
            before=terms_choice(program=program, key=request.POST.get("before", ""), now_ms=now_ms),
            after=terms_choice(program=program, key=request.POST.get("after", ""), now_ms=now_ms),
            now=timezone.now(),
        )
    except (RewardsError, NotPermittedError) as error:
        messages.error(request, str(error))
        kept = QueryDict(mutable=True)
        kept.setlist("epoch", [str(number) for number in numbers])
        kept.update({name: request.POST.get(name, "") for name in ("program", "before", "after")})
        answer = redirect("what-ifs")
        answer.headers["Location"] += f"?{kept.urlencode()}"
        return answer
    return redirect("what-if", job_id=job.pk)


def _context(request: HttpRequest, job: WhatIfJob) -> dict[str, Any]:
    return {
        "job": job,
        "program": job.program,
        "numbers": [epoch["number"] for epoch in job.epochs],
        "progress": progress(job),
        "may_cancel": job.is_open and job.asked_by_id == request.user.pk,
    }


def _numbers(data: QueryDict) -> list[int]:
    return [int(text) for text in data.getlist("epoch") if text.isdecimal() and len(text) < 9]


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def _lines(result: dict[str, Any]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(_CSV_HEAD)
    for epoch in result["epochs"]:
        for row in epoch["rows"]:
            yield writer.writerow([epoch["epoch"], *(row[name] for name in _CSV_HEAD[1:])])
        for name, row in epoch["totals"].items():
            yield writer.writerow(
                [epoch["epoch"], "", f"total: {name}", row["before"], row["after"], row["difference"]]
            )
