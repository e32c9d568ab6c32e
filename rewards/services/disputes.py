"""Disputes: opened by a maker inside the review window, talked about, and decided by a treasurer with a reason."""

import json
import logging
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Maker, User
from accounts.roles import Deed, Person, belongs_to, may, require, user_of
from rewards.errors import DisputeRefusedError, NotAllowedError
from rewards.models import Correction, Dispute, DisputeFile, DisputeMessage, Epoch
from rewards.selectors.disputes import is_maker_of
from rewards.selectors.revisions import current_revision
from rewards.services.attachments import MOST_FILES, CheckedFile

logger = logging.getLogger(__name__)
MOST_TEXT = 5_000
MOST_OPEN = 20
"""Of one maker in one epoch."""
MOST_MESSAGES = 200
_WITH_RESULT = (Epoch.State.SCORED, Epoch.State.PROPOSED, Epoch.State.EMPTY, Epoch.State.VETOED)
DECISIONS = (Dispute.State.UPHELD, Dispute.State.NO_EFFECT, Dispute.State.REFUSED)


@transaction.atomic
def dispute_open(
    *,
    by: Person,
    epoch: Epoch,
    maker: Maker,
    market: str,
    from_ms: int,
    to_ms: int,
    kind: Dispute.Kind,
    text: str,
    now_ms: int,
    refers_to: str = "",
    files: Iterable[CheckedFile] = (),
) -> Dispute:
    """Open a dispute about a market between two times (ms UTC, half-open) of a scored epoch.

    by: a member of the maker. now_ms: the chain's clock; the review window must not have ended. From now on the
    epoch is neither proposed nor offered for approval until the dispute is closed. Raises NotAllowedError and
    DisputeRefusedError.
    """
    person = _member(by, maker, what="Opening a dispute")
    # Locked, so that the result can't be replaced between what is checked here and what is stored.
    locked = Epoch.objects.select_for_update().get(pk=epoch.pk)
    _check_time(locked, now_ms=now_ms)
    _check_place(locked, maker=maker, market=market, from_ms=from_ms, to_ms=to_ms)
    text = _words(text)
    if Dispute.objects.filter(epoch=locked, maker=maker, state=Dispute.State.OPEN).count() >= MOST_OPEN:
        raise DisputeRefusedError(reason=f"{MOST_OPEN} disputes of {maker.name} are open in this epoch already")
    dispute = Dispute.objects.create(
        epoch=locked, maker=maker, revision=current_revision(epoch=locked), market=market, from_ms=from_ms,
        to_ms=to_ms, kind=kind, text=text, refers_to=_plain(refers_to)[:MOST_TEXT], opened_by=person,
    )  # fmt: skip
    for file in files:
        dispute_attach(by=by, dispute=dispute, file=file)
    logger.info("%s disputes epoch %s in %s", maker.slug, locked.number, market)
    return dispute


@transaction.atomic
def dispute_say(*, by: Person, dispute: Dispute, text: str) -> DisputeMessage:
    """Add a question or an answer to an open dispute; its maker's members and those who answer do.

    Raises NotAllowedError and DisputeRefusedError.
    """
    person = _takes_part(by, dispute)
    locked = _locked(dispute)
    if locked.messages.count() >= MOST_MESSAGES:
        raise DisputeRefusedError(reason=f"it has {MOST_MESSAGES} messages; a treasurer has to decide now")
    return DisputeMessage.objects.create(dispute=locked, author=person, text=_words(text))


@transaction.atomic
def dispute_attach(*, by: Person, dispute: Dispute, file: CheckedFile) -> DisputeFile:
    """Attach a file to an open dispute; the same bytes once. Raises NotAllowedError and DisputeRefusedError."""
    person = _takes_part(by, dispute)
    locked = _locked(dispute)
    kept = locked.files.filter(sha256=file.sha256).first()
    if kept is not None:
        return kept
    if locked.files.count() >= MOST_FILES:
        raise DisputeRefusedError(reason=f"{MOST_FILES} files are attached already, and more are not taken")
    return DisputeFile.objects.create(
        dispute=locked, added_by=person, name=file.name, content=file.content, size_bytes=len(file.content),
        sha256=file.sha256,
    )  # fmt: skip


@transaction.atomic
def dispute_decide(*, by: Person, dispute: Dispute, decision: Dispute.State, reason: str) -> Dispute:
    """Close a dispute with a treasurer's decision and reason; upheld needs a correction that is confirmed.

    Raises NotPermittedError and DisputeRefusedError.
    """
    require(person=by, deed=Deed.DECIDE_DISPUTE)
    person = user_of(by)
    locked = _locked(dispute)
    if decision not in DECISIONS:
        raise DisputeRefusedError(reason="a decision is upheld with a correction, upheld without effect, or refused")
    corrections = set(locked.corrections.values_list("state", flat=True))
    if Correction.State.ENTERED in corrections:
        raise DisputeRefusedError(reason="a correction for it waits for a second person; confirm or withdraw it first")
    if decision == Dispute.State.UPHELD and not corrections & {Correction.State.CONFIRMED, Correction.State.APPLIED}:
        raise DisputeRefusedError(reason="to uphold it, enter a correction for it and have a second person confirm it")
    return _close(locked, by=person, state=decision, reason=_words(reason))


@transaction.atomic
def dispute_withdraw(*, by: Person, dispute: Dispute) -> Dispute:
    """Take an open dispute back; its maker's members do. Raises NotAllowedError and DisputeRefusedError."""
    person = _member(by, dispute.maker, what="Withdrawing a dispute")
    return _close(_locked(dispute), by=person, state=Dispute.State.WITHDRAWN, reason="")


def _close(dispute: Dispute, *, by: User, state: Dispute.State, reason: str) -> Dispute:
    dispute.state, dispute.reason, dispute.closed_by, dispute.closed_at = state, reason, by, timezone.now()
    dispute.save(update_fields=["state", "reason", "closed_by", "closed_at"])
    logger.info("Dispute %s is closed: %s", dispute.pk, state.label)
    return dispute


def _locked(dispute: Dispute) -> Dispute:
    locked = Dispute.objects.select_for_update().get(pk=dispute.pk)
    if locked.state != Dispute.State.OPEN:
        raise DisputeRefusedError(reason=f"it is closed ({locked.get_state_display()})")
    return locked


def _member(by: Person, maker: Maker, *, what: str) -> User:
    if not isinstance(by, User) or not belongs_to(person=by, maker=maker):
        raise NotAllowedError(what=what, who=f"members of {maker.name}")
    return by


def _takes_part(by: Person, dispute: Dispute) -> User:
    if may(person=by, deed=Deed.ANSWER_DISPUTE):
        return user_of(by)
    return _member(by, dispute.maker, what="Writing in this dispute")


def _check_time(epoch: Epoch, *, now_ms: int) -> None:
    if epoch.state not in _WITH_RESULT or epoch.review_until_ms is None:
        late = epoch.state in (Epoch.State.APPROVED, Epoch.State.ACTIVE)
        raise DisputeRefusedError(reason=_too_late() if late else f"epoch {epoch.number} has no result to dispute yet")
    if now_ms >= epoch.review_until_ms:
        raise DisputeRefusedError(reason=_too_late())


def _too_late() -> str:
    return f"the time for disputes has ended for this epoch; write to {settings.DISPUTE_CONTACT}"


def _check_place(epoch: Epoch, *, maker: Maker, market: str, from_ms: int, to_ms: int) -> None:
    if not is_maker_of(epoch=epoch, maker=maker):
        raise DisputeRefusedError(reason=f"{maker.name} took no part in epoch {epoch.number}")
    if market not in json.loads(epoch.terms_json)["markets"]:
        raise DisputeRefusedError(reason=f"{market[:64] or 'nothing'} is no market of epoch {epoch.number}")
    if not epoch.start_ms <= from_ms < to_ms <= epoch.end_ms:
        raise DisputeRefusedError(reason="it must begin before it ends, and both lie inside the epoch")


def _words(text: str) -> str:
    text = _plain(text)
    if not text:
        raise DisputeRefusedError(reason="write a sentence or two")
    if len(text) > MOST_TEXT:
        raise DisputeRefusedError(reason=f"the text is longer than {MOST_TEXT:,} characters; attach the rest as a file")
    return text


def _plain(text: str) -> str:
    # PostgreSQL keeps no NUL in a text.
    return text.replace("\0", "").strip()
