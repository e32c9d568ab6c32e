"""Where an epoch's review stands: who put it forward or sent it back, which flags wait for a person, who said what."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery

from rewards.models import Epoch, EpochComment, EpochStatistics, EpochVerdict, Flag, FlagVerdict

KIND = EpochVerdict.Kind
FLAG_NAMES = {
    "own_fills": "Trades with itself",
    "trade_together": "Two makers trade mostly with each other",
    "mirrored_quotes": "Two makers’ quotes move together",
    "shared_account": "Two makers pay the same account",
    "paid_to_rival": "A maker pays an address that quotes for another",
    "shared_recipient": "Two makers’ claims go to the same recipient",
    "token_transfers": "The reward token went between two makers",
    "concentration": "Few accounts get most",
    "new_account": "A new account with a large part",
    "pay_jump": "A maker’s pay stands out against its own past",
    "pay_rate": "A maker’s pay per hour of presence is out of line",
    "drop": "A maker has all but gone",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person said, decided or wrote. kind: empty for a comment."""

    person: str
    person_id: int
    kind: str
    label: str
    text: str
    at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRow:
    """A flag with what people have said of it, the newest last."""

    id: int
    name: str
    is_serious: bool
    subjects: tuple[str, ...]
    sentence: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    verdicts: tuple[Said, ...]

    @property
    def verdict(self) -> Said | None:
        """The newest verdict, which counts."""
        return self.verdicts[-1] if self.verdicts else None

    @property
    def is_open(self) -> bool:
        """Whether putting the epoch forward waits for a person's word on it."""
        if self.verdict is None:
            return self.is_serious
        return self.verdict.kind == FlagVerdict.Verdict.ACT


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewState:
    """Where the decision about an epoch's present root stands.

    put_forward, sent_back: the verdict that stands now, None for none. approvals: who approved here. past: verdicts
    about this and earlier roots, oldest first.
    """

    put_forward: Said | None
    sent_back: Said | None
    approvals: tuple[Said, ...]
    past: tuple[Said, ...]

    def was_put_forward_by(self, person_id: int | None) -> bool:
        """Whether this person has put the present root forward, so that somebody else has to approve it."""
        return self.put_forward is not None and self.put_forward.person_id == person_id


def review_state(*, epoch: Epoch) -> ReviewState:
    """Return where the decision about an epoch stands, in one query."""
    return state_of_verdicts(epoch, list(EpochVerdict.objects.filter(epoch=epoch).select_related("person")))


def review_states(*, epochs: Iterable[Epoch]) -> dict[int, ReviewState]:
    """Return the same for several epochs by their keys, in one query."""
    epochs = list(epochs)
    rows: dict[int, list[EpochVerdict]] = defaultdict(list)
    for row in EpochVerdict.objects.filter(epoch__in=epochs).select_related("person"):
        rows[row.epoch_id].append(row)
    return {epoch.pk: state_of_verdicts(epoch, rows[epoch.pk]) for epoch in epochs}


def put_forward_hindrance(*, epoch: Epoch) -> str | None:
    """Say what is in the way of putting an epoch forward, None for nothing; three queries."""
    if epoch.state != Epoch.State.PROPOSED:
        return "it does not wait for the treasury"
    state = review_state(epoch=epoch)
    if state.sent_back is not None:
        return f"{state.sent_back.person} has sent it back; another person lifts that first, with a reason"
    if state.put_forward is not None:
        return f"{state.put_forward.person} has put it forward already"
    facts = EpochStatistics.objects.filter(epoch=epoch, manifest_hash=epoch.manifest_hash).first()
    if facts is None or facts.document is None:
        return "its flags are still being worked out; reload in a moment"
    return flags_hindrance(flags=flag_rows(epoch=epoch))


def flags_hindrance(*, flags: Iterable[FlagRow]) -> str | None:
    """Say which flags still wait for a person's word, None for none."""
    waiting = [flag for flag in flags if flag.is_open]
    if not waiting:
        return None
    for flag in waiting:
        if flag.verdict is not None:
            return f"{flag.verdict.person} wants this put right first: {flag.name}"
    count = "one serious flag waits" if len(waiting) == 1 else f"{len(waiting)} serious flags wait"
    return f"{count} for a person’s word, first: {waiting[0].name}"


def approval_hindrance(*, epoch: Epoch, person_id: int | None = None) -> str | None:
    """Say why an epoch can't be approved as far as people go, None when it can; two queries.

    person_id: who wants to approve; whoever put it forward can't.
    """
    state = review_state(epoch=epoch)
    if state.sent_back is not None:
        return f"{state.sent_back.person} has sent it back: {state.sent_back.text}"
    if state.put_forward is None:
        return "nobody has put it forward yet; a reviewer or another treasurer does that first"
    if person_id is not None and state.was_put_forward_by(person_id):
        return "you have put it forward yourself, so another treasurer approves it"
    return mending_hindrance(epoch=epoch)


def mending_hindrance(*, epoch: Epoch) -> str | None:
    """Say which flag somebody wants put right before anybody is paid, None for none; one query."""
    newest = FlagVerdict.objects.filter(flag=OuterRef("flag")).order_by("-id").values("pk")[:1]
    found = (
        FlagVerdict.objects.filter(
            flag__epoch=epoch, flag__manifest_hash=epoch.manifest_hash, verdict=FlagVerdict.Verdict.ACT,
            pk=Subquery(newest),
        )
        .select_related("person", "flag")
        .first()
    )  # fmt: skip
    if found is None:
        return None
    return f"{_name(found)} wants this put right first: {FLAG_NAMES.get(found.flag.code, found.flag.code)}"


def flag_rows(*, epoch: Epoch) -> tuple[FlagRow, ...]:
    """Return the flags of an epoch's present evidence, serious ones first, in two queries."""
    flags = Flag.objects.filter(epoch=epoch, manifest_hash=epoch.manifest_hash).prefetch_related("verdicts__person")
    return tuple(_flag_row(flag) for flag in flags)


def comments(*, epoch: Epoch) -> tuple[Said, ...]:
    """Return what people wrote beside an epoch, oldest first, in one query."""
    rows = EpochComment.objects.filter(epoch=epoch).select_related("person")
    return tuple(
        Said(person=_name(row), person_id=row.person_id, kind="", label="", text=row.text, at=row.at) for row in rows
    )


def state_of_verdicts(epoch: Epoch, rows: Sequence[EpochVerdict]) -> ReviewState:
    """Return what an epoch's verdicts, oldest first and their people loaded, come to for its present root."""
    present = [row for row in rows if (row.root, row.manifest_hash) == (epoch.root, epoch.manifest_hash)]
    decided = [row for row in present if row.kind != KIND.APPROVE]
    last = decided[-1] if decided else None
    return ReviewState(
        put_forward=_said(last) if last is not None and last.kind == KIND.PUT_FORWARD else None,
        sent_back=_said(last) if last is not None and last.kind == KIND.SEND_BACK else None,
        approvals=tuple(_said(row) for row in present if row.kind == KIND.APPROVE),
        past=tuple(_said(row) for row in rows),
    )


def _said(row: EpochVerdict) -> Said:
    return Said(
        person=_name(row), person_id=row.person_id, kind=row.kind, label=str(row.get_kind_display()), text=row.reason,
        at=row.at,
    )  # fmt: skip


def _flag_row(flag: Flag) -> FlagRow:
    columns = tuple(flag.evidence[0]) if flag.evidence else ()
    verdicts = tuple(
        Said(
            person=_name(row), person_id=row.person_id, kind=row.verdict, label=str(row.get_verdict_display()),
            text=row.why, at=row.at,
        )
        for row in flag.verdicts.all()
    )  # fmt: skip
    return FlagRow(
        id=flag.pk,
        name=FLAG_NAMES.get(flag.code, flag.code),
        is_serious=flag.level == Flag.Level.SERIOUS,
        subjects=tuple(flag.subjects),
        sentence=flag.sentence,
        columns=columns,
        rows=tuple(tuple(row[column] for column in columns) for row in flag.evidence),
        verdicts=verdicts,
    )


def _name(row: EpochVerdict | EpochComment | FlagVerdict) -> str:
    return row.person.get_full_name() or row.person.public_name
