"""Finds what people did that somebody else has to know or to decide: terms, disputes, corrections."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from accounts.models import User
from rewards.models import Correction, Dispute, DisputeMessage, Notice, Program, TermsVersion
from rewards.services.correction_kinds import kind_of
from rewards.services.notices.finding import OLDEST, Found

Kind = Notice.Kind


def found_of_people(*, program: Program, now: datetime) -> Iterator[Found]:
    """Yield what people did in a programme and is news. now: this machine's clock."""
    since = now - OLDEST
    yield from _terms(program, since)
    yield from _disputes(program, since)
    yield from _corrections(program, since)


def _terms(program: Program, since: datetime) -> Iterator[Found]:
    """Tell of a version that waits for another person than its author."""
    waiting = program.terms_versions.filter(state=TermsVersion.State.IN_REVIEW, handed_in_at__gt=since)
    for version in waiting.select_related("author"):
        data = {"program": program.slug, "version": version.number, "sha256": version.terms_sha256,
                "drafted_by": version.author.get_username()}  # fmt: skip
        yield Found(kind=Kind.TERMS_WAITING, key=f"{Kind.TERMS_WAITING} {program.slug} {version.number}",
                    at=version.handed_in_at or since, data=data, but_for=version.author_id)  # fmt: skip


def _disputes(program: Program, since: datetime) -> Iterator[Found]:
    """Tell both sides; what was written and why it was decided stands on the dispute's page alone."""
    disputes = Dispute.objects.filter(epoch__program=program).select_related("epoch", "maker")
    for dispute in disputes.filter(opened_at__gt=since):
        yield from _to_both(Kind.DISPUTE_OPENED, dispute, at=dispute.opened_at, by_id=dispute.opened_by_id)
    for dispute in disputes.filter(closed_at__gt=since):
        yield from _to_both(Kind.DISPUTE_CLOSED, dispute, at=dispute.closed_at or since, by_id=dispute.closed_by_id)
    written = DisputeMessage.objects.filter(dispute__epoch__program=program, written_at__gt=since)
    for message in written.select_related("dispute__epoch", "dispute__maker", "author"):
        dispute = message.dispute
        is_the_makers = message.author.role == User.Role.MAKER
        yield Found(
            kind=Kind.DISPUTE_ANSWERED, key=f"{Kind.DISPUTE_ANSWERED} {message.pk}", at=message.written_at,
            epoch=dispute.epoch, maker="" if is_the_makers else dispute.maker.slug,
            data=_facts(dispute) | {"by": "maker" if is_the_makers else "treasury"},
        )  # fmt: skip


def _to_both(kind: Notice.Kind, dispute: Dispute, *, at: datetime, by_id: int | None) -> Iterator[Found]:
    key, data = f"{kind} {dispute.pk}", _facts(dispute)
    yield Found(kind=kind, key=key, at=at, epoch=dispute.epoch, data=data, but_for=by_id)
    yield Found(kind=kind, key=f"{key} {dispute.maker.slug}", at=at, epoch=dispute.epoch, maker=dispute.maker.slug,
                data=data, but_for=by_id)  # fmt: skip


def _corrections(program: Program, since: datetime) -> Iterator[Found]:
    """Tell of what one person has entered and another has to confirm."""
    entered = Correction.objects.filter(
        epoch__program=program, state=Correction.State.ENTERED, entered_at__gt=since
    ).select_related("epoch", "entered_by")
    for row in entered:
        data = {
            "program": program.slug, "epoch": row.epoch.number, "correction": row.pk, "kind": row.kind,
            "what": kind_of(row.kind).words(data=row.data), "entered_by": row.entered_by.get_username(),
        }  # fmt: skip
        yield Found(kind=Kind.CORRECTION_WAITING, key=f"{Kind.CORRECTION_WAITING} {row.pk}", at=row.entered_at,
                    epoch=row.epoch, data=data, but_for=row.entered_by_id)  # fmt: skip


def _facts(dispute: Dispute) -> dict[str, Any]:
    epoch = dispute.epoch
    return {
        "program": epoch.program.slug, "epoch": epoch.number, "dispute": dispute.pk, "maker": dispute.maker.slug,
        "market": dispute.market, "from_ms": dispute.from_ms, "to_ms": dispute.to_ms, "about": dispute.kind,
        "state": dispute.state,
    }  # fmt: skip
