"""The treasury's desk: what needs this person, the most urgent first, and what is under way without them."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from accounts.models import User
from accounts.roles import Deed, Person, may, role_of
from rewards.models import Correction, Dispute, Epoch, Flag, FlagVerdict, MarketAction, TermsVersion
from rewards.selectors.desk_inbox import InboxRow, inbox_rows, signed_by
from rewards.selectors.desk_rows import DeskRows, desk_rows
from rewards.selectors.review_window import ReviewWindow

DAY_MS = 86_400_000
STATE = Epoch.State


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTask:
    """Something that one person can do now. kind says what, room where it is counted, args what of.

    due_ms: when it is too late, by the chain's clock (None: it waits).
    """

    kind: str
    room: str
    args: tuple[str | int, ...]
    title: str
    sentence: str
    due_ms: int | None = None
    moves_money: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """An epoch that goes on without this person, and what it waits for. ends_ms: of what it waits for, where known."""

    row: InboxRow
    waits_for: str
    ends_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One person's desk."""

    tasks: tuple[DeskTask, ...]
    under_way: tuple[UnderWay, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks each room has for this person."""
        return dict(Counter(task.room for task in self.tasks))


@dataclass(frozen=True, slots=True)
class _EpochFlags:
    unjudged: int
    mending: str


def desk(*, person: Person, now_ms: int) -> Desk:
    """Return what needs this person and what doesn't, in one query whatever there is."""
    if not isinstance(person, User):
        return Desk(tasks=(), under_way=())
    stored = desk_rows(person=person, now_ms=now_ms)
    windows, flags, signed = _windows(stored, now_ms), _flags(stored), signed_by(rows=stored, person=person)
    facts = {row["epoch_id"] for row in stored.facts}
    tasks: list[DeskTask] = []
    under_way = []
    for row in inbox_rows(rows=stored, now_ms=now_ms):
        window = windows.get(row.epoch.id)
        found = _epoch_task(
            row, person, window, flags.get(row.epoch.id, _EpochFlags(0, "")), has_facts=row.epoch.id in facts,
            has_signed=row.epoch.id in signed, now_ms=now_ms,
        )  # fmt: skip
        if isinstance(found, DeskTask):
            tasks.append(found)
        else:
            ends_ms = window.until_ms if window and window.is_open else None
            if row.epoch.state == STATE.APPROVED:
                ends_ms = row.epoch.activatable_at_ms
            under_way.append(UnderWay(row=row, waits_for=found, ends_ms=ends_ms))
    tasks += [*_terms(stored, person), *_disputes(stored, person, now_ms), *_corrections(stored, person)]
    tasks += [*_actions(stored, person), *_enrolments(stored, person)]
    return Desk(tasks=tuple(sorted(tasks, key=lambda task: _urgency(task, now_ms))), under_way=tuple(under_way))


def _urgency(task: DeskTask, now_ms: int) -> tuple[int, int]:
    """Due within a day first, then what moves money, then the rest; each by when it is due."""
    soon = task.due_ms is not None and task.due_ms - now_ms < DAY_MS
    group = 0 if soon else 1 if task.moves_money else 2
    return group, task.due_ms if task.due_ms is not None else 2**62


def _epoch_task(
    row: InboxRow,
    person: User,
    window: ReviewWindow | None,
    flags: _EpochFlags,
    *,
    has_facts: bool,
    has_signed: bool,
    now_ms: int,
) -> DeskTask | str:
    """Return what this person can do about an epoch, or what it waits for."""
    epoch, people = row.epoch, row.people
    name = f"Epoch {epoch.number} of {row.program_name}"

    def task(kind: str, title: str, sentence: str, *, due_ms: int | None = None) -> DeskTask:
        return DeskTask(
            kind=kind, room="epochs", args=(epoch.program_slug, epoch.number), title=title, sentence=sentence,
            due_ms=due_ms, moves_money=True,
        )  # fmt: skip

    if epoch.state == STATE.APPROVED:
        until = epoch.activatable_at_ms
        if role_of(person=person) == User.Role.GUARDIAN and until is not None and now_ms < until:
            return task(
                "stop", f"{name} can still be stopped", "It is approved and pays after its delay.", due_ms=until
            )
        return "It is approved and waits for its delay to end."
    if epoch.state == STATE.VETOED:
        return "The guardian stopped it."
    if people.sent_back is not None:
        if may(person=person, deed=Deed.SEND_EPOCH_BACK) and people.sent_back.person_id != person.pk:
            sentence = (
                f"{people.sent_back.person}: {people.sent_back.text} Once it is put right, another person lifts it."
            )
            return task("lift", f"{name} was sent back", sentence)
        return f"{people.sent_back.person} sent it back; another person lifts that once it is put right."
    if window is not None and window.holds:
        return window.sentence
    if epoch.state == STATE.SCORED:
        return epoch.note or "It is checked and proposed on the chain."
    if flags.mending:
        return flags.mending
    if people.put_forward is None:
        if not has_facts:
            return "Its flags are still being worked out."
        if flags.unjudged:
            count = "1 serious flag waits" if flags.unjudged == 1 else f"{flags.unjudged} serious flags wait"
            if may(person=person, deed=Deed.JUDGE_FLAG):
                return task("flags", f"{name}: {count} for a word", "Say of each what you make of it, with a reason.")
            return f"{count} for a reviewer’s or treasurer’s word."
        if may(person=person, deed=Deed.PUT_EPOCH_FORWARD):
            return task("put-forward", f"{name} needs you: 0 of 2 approvals", "Look at it, and put it forward.")
        return "A reviewer or treasurer puts it forward."
    return _second_word(row, person, task_of=task, has_signed=has_signed, name=name)


def _second_word(
    row: InboxRow, person: User, *, task_of: Callable[[str, str, str], DeskTask], has_signed: bool, name: str
) -> DeskTask | str:
    by = row.people.put_forward.person if row.people.put_forward else ""
    if row.threshold:
        count = f"{row.signed} of {row.threshold} signature{'' if row.threshold == 1 else 's'}"
        if row.signed >= row.threshold:
            return "All signatures are there; it is being sent."
        if may(person=person, deed=Deed.HAND_IN_SAFE_SIGNATURE) and not has_signed:
            return task_of("sign", f"{name} needs you: {count}", f"Put forward by {by}. The Safe’s owners sign it.")
        return f"{count}; it waits for the Safe’s other owners."
    if may(person=person, deed=Deed.APPROVE_EPOCH) and not row.people.was_put_forward_by(person.pk):
        return task_of(
            "approve", f"{name} needs you: 1 of 2 approvals", f"Put forward by {by}. Yours lets the money go."
        )
    return f"Put forward by {by}; it waits for a treasurer’s approval."


def _windows(stored: DeskRows, now_ms: int) -> dict[int, ReviewWindow]:
    """Return each undecided epoch's review window by its key; see selectors.review_window."""
    disputes = Counter(row["epoch_id"] for row in stored.disputes)
    corrections = Counter((row["epoch_id"], row["state"]) for row in stored.corrections)
    found: dict[int, ReviewWindow] = {}
    program, until, counts = None, None, [0, 0, 0]
    for row in stored.undecided:
        pk, until_ms = row["pk"], row["review_until_ms"]
        if row["program_id"] != program:
            program, until, counts = row["program_id"], None, [0, 0, 0]
        until = max((each for each in (until, until_ms) if each is not None), default=None)
        counts[0] += disputes[pk]
        counts[1] += corrections[pk, Correction.State.ENTERED]
        counts[2] += corrections[pk, Correction.State.CONFIRMED]
        found[pk] = ReviewWindow(
            until_ms=until, is_open=until is not None and now_ms < until, open_disputes=counts[0],
            unconfirmed=counts[1], rescoring=counts[2],
        )  # fmt: skip
    return found


def _flags(stored: DeskRows) -> dict[int, _EpochFlags]:
    """Return what stands in the way of epochs by their present flags; those without any are left out."""
    unjudged, mending = Counter[int](), {}
    for flag in stored.flags:
        if flag["verdict"] is None:
            unjudged[flag["epoch_id"]] += flag["level"] == Flag.Level.SERIOUS
        elif flag["verdict"] == FlagVerdict.Verdict.ACT:
            mending[flag["epoch_id"]] = f"{flag['by']} wants a flag put right first."
    return {pk: _EpochFlags(unjudged[pk], mending.get(pk, "")) for pk in {*unjudged, *mending}}


def _terms(stored: DeskRows, person: User) -> Iterator[DeskTask]:
    ends = {row["program_id"]: row["end_ms"] for row in stored.live}
    for row in stored.versions:
        is_author = row["author_id"] == person.pk
        name, args = f"Version {row['number']} of {row['program__name']}’s terms", (row["program__slug"], row["number"])
        if row["state"] == TermsVersion.State.IN_REVIEW:
            if not is_author and may(person=person, deed=Deed.REVIEW_TERMS):
                yield DeskTask(
                    kind="terms", room="programmes", args=args, title=f"{name} waits for your eyes",
                    due_ms=ends.get(row["program_id"]),
                    sentence=f"Drafted by {row['author__username']}. To hold from the next epoch on it has to be"
                    " accepted before this one ends.",
                )  # fmt: skip
        elif is_author and may(person=person, deed=Deed.DRAFT_TERMS):
            sentence = "It is yours and not handed in yet."
            yield DeskTask(kind="draft", room="programmes", args=args, title=f"{name}: your draft", sentence=sentence)


def _disputes(stored: DeskRows, person: User, now_ms: int) -> Iterator[DeskTask]:
    decides = may(person=person, deed=Deed.DECIDE_DISPUTE)
    if not decides and not may(person=person, deed=Deed.ANSWER_DISPUTE):
        return
    for row in stored.disputes:
        until = row["epoch__review_until_ms"]
        yield DeskTask(
            kind="dispute", room="disputes", args=(row["pk"],),
            title=f"A dispute to {'decide' if decides else 'answer'}: {row['maker__name']}, {row['market']}",
            sentence=f"{Dispute.Kind(row['kind']).label}, epoch {row['epoch__number']} of"
            f" {row['epoch__program__name']}. Nobody of it is paid before it is decided.",
            due_ms=until if until is not None and until > now_ms else None, moves_money=True,
        )  # fmt: skip


def _corrections(stored: DeskRows, person: User) -> Iterator[DeskTask]:
    if not may(person=person, deed=Deed.CORRECT_EPOCH):
        return
    for row in stored.corrections:
        if row["state"] == Correction.State.ENTERED and row["entered_by_id"] != person.pk:
            yield DeskTask(
                kind="correction", room="epochs", args=(row["epoch__program__slug"], row["epoch__number"]),
                moves_money=True, title=f"A correction of epoch {row['epoch__number']} to confirm",
                sentence=f"Entered by {row['entered_by__username']}: {row['reason']}",
            )  # fmt: skip


def _actions(stored: DeskRows, person: User) -> Iterator[DeskTask]:
    if not may(person=person, deed=Deed.ENTER_MARKET_ACTION):
        return
    for row in stored.actions:
        if row["entered_by_id"] != person.pk:
            kind = MarketAction.Kind(row["kind"]).label
            yield DeskTask(
                kind="action", room="actions", args=(), title=f"{kind} of {row['subject']} to confirm",
                sentence=f"Entered by {row['entered_by__username']}: {row['reason']}",
            )  # fmt: skip


def _enrolments(stored: DeskRows, person: User) -> Iterator[DeskTask]:
    if not may(person=person, deed=Deed.ENROL_MAKERS):
        return
    for row in stored.enrolments:
        if row["asked_by_id"] != person.pk:
            yield DeskTask(
                kind="enrolment", room="makers", args=(row["pk"],), title=f"{row['name']} asks to take part",
                sentence=f"Asked by {row['asked_by__username']}.",
            )  # fmt: skip
