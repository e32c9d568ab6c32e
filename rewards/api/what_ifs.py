"""Routes about what-ifs: ask what other terms would have paid in past epochs, follow it, read the answer, cancel it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from rewards.api.base import ApiView, ListView, Write, now_ms
from rewards.api.callers import require_asks_what_ifs, require_sees_what_ifs
from rewards.api.errors import NotYetError
from rewards.api.fields import raw, stamp
from rewards.api.paging import cut, cut_query
from rewards.api.params import Paged, Params, StrictJson, WhatIfBody, read, read_body
from rewards.api.programmes import Page, token_part
from rewards.api.what_if_rows import WhatIfAnswerRow, WhatIfDetailRow, WhatIfRow, WhatIfTermsRow
from rewards.errors import NotFoundError, WhatIfRefusedError
from rewards.models import Program, WhatIfJob
from rewards.selectors.programs import program_get
from rewards.selectors.whatif import TermsChoice, terms_choice, terms_choices, whatif_get
from rewards.services.whatif import whatif_ask, whatif_cancel

TREASURY = "Treasury"
ASKING_COSTS = 10
"""A what-if is worked out from every event of its epochs."""


class WhatIfTerms(ListView):
    """The terms that a what-if can try: versions, drafts, and what held in the past; in the order of the pages."""

    name, tag, row, params, is_public = "what-if-terms", TREASURY, WhatIfTermsRow, Paged, False

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them."""
        require_sees_what_ifs(request=request)
        found = terms_choices(program=program_get(slug=path["programme"]), now_ms=now_ms())
        numbered = list(enumerate(found))
        rows, cursor = cut(numbered, key=lambda each: [each[0]], like=[0], cursor=given["cursor"], limit=given["limit"])
        return [{"key": key, "label": label} for _, (key, label) in rows], cursor


class WhatIfs(ListView):
    """What was asked, by everybody, the newest first."""

    name, tag, row, params, is_public = "what-ifs", TREASURY, WhatIfRow, Paged, False
    parser_classes: ClassVar = [StrictJson]
    writes: ClassVar[Mapping[str, Write]] = {
        "POST": Write(
            name="what-if-ask", summary="Ask what other terms would have paid in past epochs.", body=WhatIfBody,
            row=WhatIfAnswerRow, status=202, costs=ASKING_COSTS,
        )
    }  # fmt: skip

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them."""
        require_sees_what_ifs(request=request)
        program = program_get(slug=path["programme"])
        found = WhatIfJob.objects.filter(program=program).select_related("asked_by", "program")
        rows, cursor = cut_query(
            found.defer("result", "summary", "before_json", "after_json"), field="pk", like=[0],
            cursor=given["cursor"], limit=given["limit"], descending=True,
        )  # fmt: skip
        return [_asked(row) for row in rows], cursor

    def post(self, request: Request, **path: Any) -> Response:
        """Ask what other terms would have paid in past epochs. Nobody is paid by it. It is worked out in turn: ask for
        the address in `Location` until `state` is final. The same question, while open, is the same what-if."""
        require_asks_what_ifs(request=request)
        read(request, Params)
        given, program = read_body(request, WhatIfBody), program_get(slug=path["programme"])
        job = whatif_ask(
            by=request.user, program=program, numbers=given["epochs"], before=_terms(program, given, "before"),
            after=_terms(program, given, "after"), now=timezone.now(),
        )  # fmt: skip
        where = request.build_absolute_uri(reverse("api:what-if", args=[job.pk]))
        return Response(_answer(whatif_get(job_id=job.pk)), status=202, headers={"Location": where})


def _terms(program: Program, given: dict[str, Any], name: str) -> TermsChoice:
    try:
        return terms_choice(program=program, key=given[name], now_ms=now_ms())
    except NotFoundError as error:
        reason = f"{program.name} has no terms with the key “{given[name]}”; what-if-terms lists the keys"
        raise WhatIfRefusedError(reason=reason) from error


class WhatIf(ApiView):
    """A what-if: how far it is, or its answer."""

    name, tag, row, is_public = "what-if", TREASURY, WhatIfAnswerRow, False
    writes: ClassVar[Mapping[str, Write]] = {
        "DELETE": Write(name="what-if-cancel", summary="Cancel your own what-if.", row=WhatIfAnswerRow, status=200)
    }

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> dict[str, Any]:
        """Return it."""
        require_sees_what_ifs(request=request)
        return _answer(whatif_get(job_id=path["what_if"]))

    def delete(self, request: Request, **path: Any) -> Response:
        """Cancel your own what-if while it is open; whoever is at it stops within moments."""
        require_asks_what_ifs(request=request)
        read(request, Params)
        whatif_cancel(by=request.user, job=whatif_get(job_id=path["what_if"]), now=timezone.now())
        return Response(_answer(whatif_get(job_id=path["what_if"])))


class WhatIfRows(ListView):
    """What each maker would get of each market in each epoch of a what-if that is done."""

    name, tag, row, params, is_public, may_be_awaited = "what-if-rows", TREASURY, WhatIfDetailRow, Paged, False, True

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them, by epoch, maker and market."""
        require_sees_what_ifs(request=request)
        job = whatif_get(job_id=path["what_if"], whole=True)
        if job.result is None:
            ended = f"It ended without one: {job.get_state_display().lower()}."
            raise NotYetError("There is no answer yet; ask again when its state is done." if job.is_open else ended)
        found = sorted(
            ((asked["number"], row["maker"], row["market"], row)
             for asked, epoch in zip(job.epochs, job.result["epochs"], strict=True) for row in epoch["rows"]),
            key=lambda each: each[:3],
        )  # fmt: skip
        rows, cursor = cut(
            found, key=lambda each: list(each[:3]), like=[0, "", ""], cursor=given["cursor"], limit=given["limit"]
        )
        return [
            {"epoch": epoch, "maker": maker, "market": market, **_compared(row), **token_part(job.program)}
            for epoch, maker, market, row in rows
        ], cursor


def _asked(job: WhatIfJob) -> dict[str, Any]:
    return {
        "id": job.pk, "programme": job.program.slug, "state": job.state, "asked_by": job.asked_by.get_username(),
        "epochs": [epoch["number"] for epoch in job.epochs], "before": job.before_label, "after": job.after_label,
        "epochs_done": job.epochs_done, "events_done": job.events_done, "events_total": job.events_total,
        "error": job.error or None, **stamp("asked", job.asked_at), **stamp("ended", job.ended_at),
        **stamp("expires", job.expires_at),
    }  # fmt: skip


def _answer(job: WhatIfJob) -> dict[str, Any]:
    found = job.summary or {"totals": {}, "makers": [], "markets": [], "sessions": []}
    return {
        **_asked(job), **token_part(job.program),
        "totals": [{"name": name, **_compared(row)} for name, row in found["totals"].items()],
        "makers": [{"maker": row["maker"], **_compared(row)} for row in found["makers"]],
        "markets": [{"market": row["market"], **_compared(row)} for row in found["markets"]],
        "sessions": [{"kind": row["kind"], **_compared(row)} for row in found["sessions"]],
    }  # fmt: skip


def _compared(row: Mapping[str, str]) -> dict[str, Any]:
    before, after = int(row["before"]), int(row["after"])
    return {"before_raw": raw(before), "after_raw": raw(after), "difference_raw": raw(after - before)}
