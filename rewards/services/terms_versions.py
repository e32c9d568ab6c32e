"""Versions of the terms: drafted, handed in, reviewed by somebody else, scheduled or sent back, withdrawn.

The database guards the same rules with triggers and constraints (migration 0009_terms_guards); what is raised here
says in words what it would refuse.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.db.models import Max

from accounts.models import User
from accounts.roles import Deed, Person, require
from rewards.calendars import AfterLastDayError
from rewards.engine.errors import JsonError
from rewards.engine.jsontext import canonical_json
from rewards.errors import TermsInvalidError, TermsRefusedError
from rewards.models import Program, TermsComment, TermsVersion
from rewards.selectors.terms_ruling import coming_epochs, has_begun, needs_first_start, usual_days
from rewards.selectors.terms_text import check_terms
from rewards.services.programs import epoch_schedule_next
from rewards.services.terms_schedule import epochs_remake, unversioned, waiting_epochs

STATE = TermsVersion.State
MOST_DAYS = 366


@transaction.atomic
def terms_draft(
    *, by: Person, program: Program, document: dict[str, Any], epoch_days: int, first_start_ms: int | None = None
) -> TermsVersion:
    """Keep a new draft of the programme's terms; returns it.

    document: the terms' JSON without `epoch`. epoch_days: how long an epoch lasts. first_start_ms: when the next epoch
    begins, for a programme in which none runs. Raises NotPermittedError and TermsInvalidError with all mistakes.
    """
    author = _person(by, Deed.DRAFT_TERMS)
    text, sha256 = _checked(program, document)
    # Held, so that two drafts at once don't take the same number.
    Program.objects.select_for_update().get(pk=program.pk)
    last = program.terms_versions.aggregate(last=Max("number"))["last"] or 0
    return TermsVersion.objects.create(
        program=program,
        number=last + 1,
        author=author,
        terms_json=text,
        terms_sha256=sha256,
        epoch_days=_days(epoch_days, number=last + 1),
        first_start_ms=first_start_ms,
    )


@transaction.atomic
def terms_change(
    *,
    by: Person,
    version: TermsVersion,
    document: dict[str, Any],
    epoch_days: int,
    first_start_ms: int | None = None,
) -> TermsVersion:
    """Change one's own draft. Raises NotPermittedError, TermsInvalidError and TermsRefusedError."""
    locked = _own_draft(by, version, what="changed")
    locked.terms_json, locked.terms_sha256 = _checked(locked.program, document)
    locked.epoch_days, locked.first_start_ms = _days(epoch_days, number=locked.number), first_start_ms
    locked.save(update_fields=["terms_json", "terms_sha256", "epoch_days", "first_start_ms"])
    return locked


@transaction.atomic
def terms_hand_in(
    *, by: Person, version: TermsVersion, sha256: str, now: datetime, now_ms: int, comment: str = ""
) -> None:
    """Hand one's own draft in for review; from here on nothing in it changes.

    sha256: of the terms that were looked at. now: this computer's time. now_ms: the chain's clock.
    Raises NotPermittedError and TermsRefusedError.
    """
    locked = _own_draft(by, version, what="handed in")
    _same(locked, sha256, what="handed in")
    starts = locked.first_start_ms
    if needs_first_start(program=locked.program, now_ms=now_ms) and (starts is None or starts <= now_ms):
        reason = "no epoch runs now, so it has to say when the first one begins, and that has to lie ahead"
        raise TermsRefusedError(number=locked.number, what="handed in", reason=reason)
    locked.state, locked.handed_in_at = STATE.IN_REVIEW, now
    locked.save(update_fields=["state", "handed_in_at"])
    _say(locked, by, comment)


@transaction.atomic
def terms_send_back(*, by: Person, version: TermsVersion, comment: str, now: datetime) -> None:
    """Send somebody else's version back with a comment. Raises NotPermittedError and TermsRefusedError."""
    locked = _in_review(by, version, what="sent back")
    if not comment.strip():
        raise TermsRefusedError(number=locked.number, what="sent back", reason="say in a comment what is to be mended")
    locked.state, locked.reviewer, locked.reviewed_at = STATE.SENT_BACK, _user(by), now
    locked.save(update_fields=["state", "reviewer", "reviewed_at"])
    _say(locked, by, comment)


def terms_accept(
    *,
    by: Person,
    version: TermsVersion,
    sha256: str,
    from_epoch: int,
    now: datetime,
    now_ms: int,
    comment: str = "",
) -> None:
    """Accept somebody else's version: it holds from an epoch on that has not begun, and is announced.

    Epochs from there on that are made already are made again from it. sha256: of the terms that were looked at.
    now_ms: the chain's clock. Raises NotPermittedError and TermsRefusedError.
    """
    with _chain_goes_on(version, what="accepted"), transaction.atomic():
        _accept(by, version, sha256=sha256, from_epoch=from_epoch, now=now, now_ms=now_ms, comment=comment)


def _accept(
    by: Person, version: TermsVersion, *, sha256: str, from_epoch: int, now: datetime, now_ms: int, comment: str
) -> None:
    locked = _in_review(by, version, what="accepted")
    _same(locked, sha256, what="accepted")
    program = Program.objects.select_for_update().get(pk=locked.program_id)
    starts_ms = _start_of(locked, program, from_epoch, now_ms)
    if program.terms_versions.filter(state=STATE.SCHEDULED, from_epoch=from_epoch).exists():
        reason = f"other terms are scheduled from epoch {from_epoch} on; withdraw those first"
        raise TermsRefusedError(number=locked.number, what="accepted", reason=reason)
    waiting = waiting_epochs(program=program, from_epoch=from_epoch, now_ms=now_ms)
    locked.replaced = unversioned(program=program, epochs=waiting)
    locked.state, locked.reviewer, locked.reviewed_at = STATE.SCHEDULED, _user(by), now
    locked.from_epoch, locked.from_ms = from_epoch, starts_ms
    locked.save(update_fields=["state", "reviewer", "reviewed_at", "from_epoch", "from_ms", "replaced"])
    _say(locked, by, comment)
    epochs_remake(program=program, from_epoch=from_epoch, now_ms=now_ms)
    epoch_schedule_next(program=program, now_ms=now_ms)


def terms_withdraw(*, by: Person, version: TermsVersion, reason: str, now: datetime, now_ms: int) -> None:
    """Withdraw a version with a reason: one's own until it is reviewed, a scheduled one until its epoch begins.

    Epochs that were made from it are made again from what rules them then. Raises NotPermittedError, TermsRefusedError.
    """
    with _chain_goes_on(version, what="withdrawn"), transaction.atomic():
        _withdraw(by, version, reason=reason, now=now, now_ms=now_ms)


def _withdraw(by: Person, version: TermsVersion, *, reason: str, now: datetime, now_ms: int) -> None:
    person = _person(by, Deed.WITHDRAW_TERMS)
    locked = _locked(version)
    if not reason.strip():
        raise TermsRefusedError(number=locked.number, what="withdrawn", reason="say why, in a sentence")
    if locked.state not in (STATE.DRAFT, STATE.IN_REVIEW, STATE.SCHEDULED):
        raise TermsRefusedError(
            number=locked.number, what="withdrawn", reason=f"they are {locked.get_state_display().lower()} already"
        )
    if locked.state != STATE.SCHEDULED and locked.author_id != person.pk:
        raise TermsRefusedError(
            number=locked.number, what="withdrawn", reason="they are somebody else's; send them back"
        )
    was_scheduled = locked.state == STATE.SCHEDULED
    program = Program.objects.select_for_update().get(pk=locked.program_id)
    if was_scheduled:
        _check_not_begun(locked, program, now_ms)
    locked.state, locked.withdrawn_by, locked.withdrawn_at = STATE.WITHDRAWN, person, now
    locked.withdrawn_why = reason.strip()
    locked.save(update_fields=["state", "withdrawn_by", "withdrawn_at", "withdrawn_why"])
    if was_scheduled and locked.from_epoch is not None:
        epochs_remake(program=program, from_epoch=locked.from_epoch, now_ms=now_ms)


def terms_comment(*, by: Person, version: TermsVersion, text: str) -> None:
    """Say something about a version, in any of its states. Raises NotPermittedError and TermsRefusedError."""
    _person(by, Deed.COMMENT_ON_TERMS)
    if not text.strip():
        raise TermsRefusedError(number=version.number, what="commented on", reason="the comment is empty")
    _say(version, by, text)


@contextmanager
def _chain_goes_on(version: TermsVersion, *, what: str) -> Iterator[None]:
    """Say it in words when a block came between the question and the write, or the epochs leave the calendar."""
    try:
        yield
    except IntegrityError as error:
        reason = "their epoch began meanwhile; look at them again"
        raise TermsRefusedError(number=version.number, what=what, reason=reason) from error
    except AfterLastDayError as error:
        raise TermsRefusedError(number=version.number, what=what, reason=str(error).removesuffix(".")) from error


def _person(by: Person, deed: Deed) -> User:
    require(person=by, deed=deed)
    return _user(by)


def _user(by: Person) -> User:
    """Whoever passed `require` is a stored person."""
    if isinstance(by, AnonymousUser):
        raise TypeError("nobody has signed in")
    return by


def _checked(program: Program, document: dict[str, Any]) -> tuple[str, str]:
    """Return the canonical text of terms without an epoch, and its hash. Raises TermsInvalidError."""
    problems: list[JsonError] = []
    terms = None
    if "epoch" in document:
        problems.append(
            JsonError(document="terms", path="epoch", reason="a version holds for many epochs; leave it out")
        )
    else:
        terms = check_terms(program=program, document=document, problems=problems)
    if terms is None or problems:
        raise TermsInvalidError(problems=problems)
    raw = canonical_json(document)
    return raw.decode(), hashlib.sha256(raw).hexdigest()


def _days(epoch_days: int, *, number: int) -> int:
    if not 1 <= epoch_days <= MOST_DAYS:
        reason = f"an epoch lasts from 1 to {MOST_DAYS} days, not {epoch_days}"
        raise TermsRefusedError(number=number, what="kept", reason=reason)
    return epoch_days


def _locked(version: TermsVersion) -> TermsVersion:
    return TermsVersion.objects.select_for_update(of=("self",)).select_related("program").get(pk=version.pk)


def _own_draft(by: Person, version: TermsVersion, *, what: str) -> TermsVersion:
    person = _person(by, Deed.DRAFT_TERMS)
    locked = _locked(version)
    if locked.author_id != person.pk:
        reason = "they are somebody else's draft; draft a version of your own from them"
        raise TermsRefusedError(number=locked.number, what=what, reason=reason)
    if locked.state != STATE.DRAFT:
        reason = f"they are {locked.get_state_display().lower()}, no draft any more; draft a new version from them"
        raise TermsRefusedError(number=locked.number, what=what, reason=reason)
    return locked


def _in_review(by: Person, version: TermsVersion, *, what: str) -> TermsVersion:
    person = _person(by, Deed.REVIEW_TERMS)
    locked = _locked(version)
    if locked.author_id == person.pk:
        raise TermsRefusedError(
            number=locked.number, what=what, reason="another person than their author reviews terms"
        )
    if locked.state != STATE.IN_REVIEW:
        raise TermsRefusedError(number=locked.number, what=what, reason="they are not in review")
    return locked


def _same(version: TermsVersion, sha256: str, *, what: str) -> None:
    if version.terms_sha256 != sha256:
        raise TermsRefusedError(
            number=version.number, what=what, reason="they changed after you opened the page; look at them again"
        )


def _start_of(version: TermsVersion, program: Program, from_epoch: int, now_ms: int) -> int:
    coming = coming_epochs(
        program=program,
        now_ms=now_ms,
        first_start_ms=version.first_start_ms,
        epoch_days=usual_days(program=program),
    )
    starts = {epoch.number: epoch.start_ms for epoch in coming}
    if starts.get(from_epoch, 0) <= now_ms:
        choices = ", ".join(str(number) for number in starts)
        reason = f"epoch {from_epoch} has begun or lies too far ahead; choose one of {choices or 'none'}"
        raise TermsRefusedError(number=version.number, what="accepted", reason=reason)
    return starts[from_epoch]


def _check_not_begun(version: TermsVersion, program: Program, now_ms: int) -> None:
    first = program.epochs.select_for_update().filter(number=version.from_epoch or 0).first()
    if (version.from_ms or 0) <= now_ms or (first is not None and has_begun(epoch=first, now_ms=now_ms)):
        reason = f"epoch {version.from_epoch} has begun with them; schedule other terms for a later one"
        raise TermsRefusedError(number=version.number, what="withdrawn", reason=reason)


def _say(version: TermsVersion, by: Person, text: str) -> None:
    if text.strip():
        TermsComment.objects.create(version=version, author=_user(by), text=text.strip())
