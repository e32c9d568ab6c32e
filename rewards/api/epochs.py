"""Routes about an epoch: how far it has come, its terms, its results and their evidence; and an account's money."""

import json
from typing import Any

from django.conf import settings
from django.urls import reverse
from rest_framework.request import Request

from rewards.api.base import ApiView, ListView, now_ms
from rewards.api.fields import moment, raw, stamp
from rewards.api.paging import cut, cut_query
from rewards.api.params import EpochsParams, Paged
from rewards.api.programmes import PUBLIC, Page, token_part
from rewards.api.serializers import AccountRow, EpochRow, EvidenceRow, LeaderRow, ResultRow, TermsRow
from rewards.models import Epoch, Program
from rewards.selectors.claim_rows import ClaimView
from rewards.selectors.claims import claim_page
from rewards.selectors.evidence import evidence_files
from rewards.selectors.programs import epoch_get, program_get
from rewards.selectors.revisions import RevisionRow, revision_rows
from rewards.selectors.standings import StandingRow, standings

HOUR_MS = 3_600_000


class Epochs(ListView):
    """A programme's epochs, the newest first."""

    name, tag, row, params = "epochs", PUBLIC, EpochRow, EpochsParams

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them."""
        program = program_get(slug=path["programme"])
        found = Epoch.objects.filter(program=program)
        if "state" in given:
            found = found.filter(state=given["state"])
        if "from_ms" in given:
            found = found.filter(end_ms__gt=given["from_ms"])
        if "to_ms" in given:
            found = found.filter(start_ms__lt=given["to_ms"])
        rows, cursor = cut_query(
            found, field="number", like=[0], cursor=given["cursor"], limit=given["limit"], descending=True
        )
        return [_epoch(request, row, program) for row in rows], cursor


class OneEpoch(ApiView):
    """One epoch."""

    name, tag, row = "epoch", PUBLIC, EpochRow

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> dict[str, Any]:
        """Return it."""
        found = epoch_get(slug=path["programme"], number=path["number"])
        return _epoch(request, found, found.program)


def _epoch(request: Request, row: Epoch, program: Program) -> dict[str, Any]:
    tar = reverse("evidence-tar", args=[program.slug, row.number])
    at_s = row.activatable_at_s
    return {
        "programme": program.slug, "number": row.number, **moment("start", row.start_ms), **moment("end", row.end_ms),
        "state": row.state, "terms_sha256": row.terms_sha256, "budget_raw": raw(row.budget),
        "paid_raw": raw(row.paid_total), "unspent_raw": raw(row.unspent),
        "carried_in_raw": raw(row.carried_in_total), "carried_out_raw": raw(row.carried_out_total),
        "root": row.root or None, "parent_root": row.parent_root or None, "manifest_hash": row.manifest_hash or None,
        "digest": row.digest or None, "chain_epoch": row.chain_epoch,
        **moment("activatable", None if at_s is None else at_s * 1000), **moment("review_until", row.review_until_ms),
        "evidence_url": request.build_absolute_uri(tar) if row.evidence_name else None, **token_part(program),
    }  # fmt: skip


class Terms(ApiView):
    """The terms of an epoch."""

    name, tag, row = "terms", PUBLIC, TermsRow

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> dict[str, Any]:
        """Return them."""
        found = epoch_get(slug=path["programme"], number=path["number"])
        return {
            "programme": found.program.slug, "epoch": found.number, "sha256": found.terms_sha256,
            "canonical_json": found.terms_json, "terms": json.loads(found.terms_json),
        }  # fmt: skip


class Results(ListView):
    """All results of an epoch, former and current, in their order."""

    name, tag, row, params = "results", PUBLIC, ResultRow, Paged

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them; none before the epoch is scored."""
        epoch = epoch_get(slug=path["programme"], number=path["number"])
        found = [row for row in revision_rows(epoch=epoch) if row.paid_total is not None or not row.is_current]
        rows, cursor = cut(found, key=lambda row: [row.number], like=[0], cursor=given["cursor"], limit=given["limit"])
        return [_result(request, row, epoch) for row in rows], cursor


def _result(request: Request, row: RevisionRow, epoch: Epoch) -> dict[str, Any]:
    place = [epoch.program.slug, epoch.number]
    url = reverse("evidence-tar", args=place) if row.is_current else reverse("revision-tar", args=[*place, row.number])
    return {
        "revision": row.number, "is_current": row.is_current, "because": row.because, **stamp("scored", row.scored_at),
        "root": row.root or None, "digest": row.digest or None, "manifest_hash": row.manifest_hash or None,
        "paid_raw": raw(row.paid_total), "unspent_raw": raw(row.unspent),
        "carried_out_raw": raw(row.carried_out_total),
        "evidence_url": request.build_absolute_uri(url) if row.evidence_name else None, **token_part(epoch.program),
    }  # fmt: skip


class Evidence(ListView):
    """The files of an epoch's evidence, by name; none before the epoch is scored."""

    name, tag, row, params = "evidence", PUBLIC, EvidenceRow, Paged

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them."""
        epoch = epoch_get(slug=path["programme"], number=path["number"])
        rows, cursor = cut(
            evidence_files(evidence_name=epoch.evidence_name), key=lambda file: [file.name], like=[""],
            cursor=given["cursor"], limit=given["limit"],
        )  # fmt: skip
        place = [epoch.program.slug, epoch.number]
        return [
            {
                "name": row.name, "size_bytes": row.size_bytes,
                "url": request.build_absolute_uri(reverse("evidence-file", args=[*place, row.name])),
            }
            for row in rows
        ], cursor  # fmt: skip


class Leaderboard(ListView):
    """The makers of an epoch, the best paid first."""

    name, tag, row, params = "leaderboard", PUBLIC, LeaderRow, Paged

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them."""
        epoch = epoch_get(slug=path["programme"], number=path["number"])
        rows, cursor = cut(
            standings(epoch=epoch), key=lambda row: [-row.payout, row.maker], like=[0, ""], cursor=given["cursor"],
            limit=given["limit"],
        )  # fmt: skip
        return [{**leader(row), **token_part(epoch.program)} for row in rows], cursor


def leader(row: StandingRow) -> dict[str, Any]:
    """Return a maker's place as a row."""
    return {
        "rank": row.rank, "maker": row.maker, "name": row.name, "payout_raw": raw(row.payout),
        "accrued_raw": raw(row.accrued), "share_ppm": row.share_ppm, "is_estimate": row.is_estimate,
        **moment("as_of", row.as_of_ms),
    }  # fmt: skip


class Account(ListView):
    """What an account can collect, has collected, and what is on its way, by programme."""

    name, tag, row, params = "account", PUBLIC, AccountRow, Paged

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of programmes; those with nothing for the account are left out."""
        rows, cursor = cut(
            claim_page(account=path["account"], now_ms=now_ms(), review_ms=settings.REVIEW_HOURS * HOUR_MS),
            key=lambda view: [view.program_slug], like=[""], cursor=given["cursor"], limit=given["limit"],
        )  # fmt: skip
        return [_account(row) for row in rows], cursor


def _account(view: ClaimView) -> dict[str, Any]:
    return {
        "programme": view.program_slug, "ready_raw": raw(view.ready), "collected_raw": raw(view.collected),
        "pending_raw": raw(view.pending_total),
        "pending": [
            {
                "epoch": row.epoch_number, "stage": row.stage, "amount_raw": raw(row.amount),
                "is_estimate": row.is_estimate, **moment("ready", row.ready_at_ms),
            }
            for row in view.pending
        ],
        "is_paused": view.paused, "token_symbol": view.token_symbol, "token_decimals": view.token_decimals,
    }  # fmt: skip
