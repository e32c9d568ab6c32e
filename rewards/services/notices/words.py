"""What a notice says to a person: a subject line, plain sentences, and the page that has more."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.urls import reverse

from accounts.models import Maker
from rewards.engine.kinds import KINDS
from rewards.models import Dispute, Notice, Program

Kind = Notice.Kind
_SESSIONS = {
    "regular": "regular hours", "pre": "the hours before the open", "post": "the hours after the close",
    "overnight": "the night", "weekend": "the weekend", "holiday": "holidays",
}  # fmt: skip
assert set(_SESSIONS) == set(KINDS)  # noqa: S101 - a new kind must get its words here


@dataclass(frozen=True, slots=True)
class Words:
    """A notice in words. path: of the page that has more, from the site's root; empty when there is none."""

    subject: str
    text: str
    path: str = ""


def words_of(*, notice: Notice) -> Words:
    """Return what a person reads. The notice's programme and maker are used when it has them."""
    return _WORDS[Kind(notice.kind)](notice)


def _scored(notice: Notice) -> Words:
    name, data = _epoch_name(notice), notice.data
    if notice.maker is not None:
        text = (
            f"{name} has been scored. {notice.maker.name} earned {_amount(notice, 'earned')} in it. "
            "Until the treasury approves it, this can still change if somebody objects and is right."
        )
        return Words(f"{name}: {_amount(notice, 'earned')} earned", text, _scorecard(notice))
    text = (
        f"{name} has been scored: {_amount(notice, 'paid_total')} of a budget of {_amount(notice, 'budget')} would be "
        "paid. It is checked and proposed next."
    )
    return Words(f"{name} has been scored", text, _treasury_epoch(notice) if data.get("epoch") else "")


def _rescored(notice: Notice) -> Words:
    name, because = _epoch_name(notice), notice.data["because"]
    page = reverse("revisions", args=[_program(notice).slug, notice.data["epoch"]])
    if notice.maker is not None:
        before, after = _amount(notice, "earned_before"), _amount(notice, "earned")
        text = f"{name} has been scored again. {notice.maker.name} earned {after} in it; before, it was {before}."
        return Words(f"{name} has been scored again: {after} earned", f"{text} Why: {because}", page)
    before, after = _amount(notice, "paid_total_before"), _amount(notice, "paid_total")
    text = f"{name} has been scored again: {after} would be paid, {before} before. It is looked at anew. Why: {because}"
    return Words(f"{name} has been scored again", text, page)


def _terms(notice: Notice) -> Words:
    data, program = notice.data, _program(notice)
    text = (
        f"{data['drafted_by']} has handed in version {data['version']} of the terms of {program.name}. It waits for "
        "another treasurer or a reviewer."
    )
    page = reverse("treasury-draft", args=[program.slug, data["version"]])
    return Words(f"New terms of {program.name} wait for a second person", text, page)


def _dispute_opened(notice: Notice) -> Words:
    data, name = notice.data, _epoch_name(notice)
    text = (
        f"{_disputing(notice)} disputes the result of {name} in {data['market']}: "
        f"{str(Dispute.Kind(data['about']).label).lower()}. Nothing of the epoch is proposed before it is decided."
    )
    return Words(f"{name} is disputed", text, _dispute(notice))


def _dispute_answered(notice: Notice) -> Words:
    who = _disputing(notice) if notice.data["by"] == "maker" else "The treasury"
    text = f"{who} has written in the dispute of {_disputing(notice)} about {_epoch_name(notice)}."
    return Words(f"A message in the dispute about {_epoch_name(notice)}", text, _dispute(notice))


def _dispute_closed(notice: Notice) -> Words:
    name, outcome = _epoch_name(notice), str(Dispute.State(notice.data["state"]).label)
    text = f"The dispute of {_disputing(notice)} about {name} has ended: {outcome.lower()}. The reason is on its page."
    if notice.data["state"] == Dispute.State.WITHDRAWN:
        text = f"{_disputing(notice)} has taken back its dispute about {name}."
    return Words(f"The dispute about {name}: {outcome.lower()}", text, _dispute(notice))


def _correction(notice: Notice) -> Words:
    data, name = notice.data, _epoch_name(notice)
    text = (
        f"{data['entered_by']} has entered a correction of {name}, which another person has to confirm: {data['what']}"
    )
    page = reverse("treasury-corrections", args=[_program(notice).slug, data["epoch"]])
    return Words(f"A correction of {name} waits for a second person", text, page)


def _review(notice: Notice) -> Words:
    name, until_ms = _epoch_name(notice), notice.data.get("review_until_ms")
    until = f" until {datetime.fromtimestamp(until_ms // 1000, tz=UTC):%d %b %Y, %H:%M} UTC" if until_ms else ""
    if notice.maker is not None:
        say = "say so on your scorecard before then" if until else "say so now on your scorecard"
        text = f"{name} is under review{until}. If something in it is wrong, {say}."
        return Words(f"{name} is under review", text, _scorecard(notice))
    done = f"has been scored and makers can object{until}" if until else "has been proposed and can be looked at"
    text = f"{name} {done}: {_amount(notice, 'amount')} would be paid."
    return Words(f"{name} is under review", text, _treasury_epoch(notice))


def _approval(notice: Notice) -> Words:
    name = _epoch_name(notice)
    text = (
        f"{name} waits for the treasury's approval: {_amount(notice, 'amount')} would be paid. All checks passed"
        f"{_put_forward(notice)}. "
        f"Before you sign, compare the digest that your wallet shows with {notice.data['digest']}."
    )
    return Words(f"{name} needs your approval", text, _treasury_epoch(notice))


def _put_forward(notice: Notice) -> str:
    by = notice.data.get("put_forward_by")
    return f", and {by} has put it forward; another person approves it" if by else ""


def _active(notice: Notice) -> Words:
    name = _epoch_name(notice)
    if notice.maker is not None:
        return Words(f"{name} pays", f"{name} is approved and its pay can be collected.", _scorecard(notice))
    text = f"{name} is active: {_amount(notice, 'amount')} can be collected by those who earned it."
    return Words(f"{name} pays", text, _treasury_epoch(notice))


def _paid(notice: Notice) -> Words:
    amount = _amount(notice, "amount")
    if notice.maker is not None:
        name = _epoch_name(notice)
        text = f"{notice.maker.name} is paid {amount} for {name}; its payout accounts can collect it."
        return Words(f"{amount} for {name}", text, _scorecard(notice))
    text = f"{amount} more are ready for {notice.account}. Collecting is free and needs no signature."
    return Words(f"{amount} ready to collect", text, reverse("collect-account", args=[notice.account]))


def _uptime(notice: Notice) -> Words:
    data = notice.data
    # Shown to a tenth of a per cent, rounded down: nobody is told that they have what they have not.
    present = data["present_ms"] * 1000 // data["live_ms"]
    needed = data["needed_bps"] // 10
    session = _SESSIONS[data["session"]]
    text = (
        f"In {data['market']} your quotes have been there for {present // 10}.{present % 10}% of {session} so far; "
        f"{needed // 10}.{needed % 10}% is needed by the end of the epoch, else {session} there earn nothing."
    )
    return Words(f"{data['market']}: uptime is low in {session}", text, _scorecard(notice))


def _quarantined(notice: Notice) -> Words:
    data = notice.data
    text = (
        f"The events of {data['market']} contradict each other from block {data['block']} on: {data['reason']}. "
        "Scoring of its epoch waits until an operator has resolved it; nothing that was quoted meanwhile is lost."
    )
    return Words(f"{data['market']} stands still", text, reverse("status"))


def _collected(notice: Notice) -> Words:
    amount, account = _amount(notice, "amount"), notice.data["account"]
    to = "" if notice.data["recipient"] == account else f" and went to {notice.data['recipient']}"
    text = f"{amount} were collected for {account}{to}, in transaction {notice.data['tx_hash']}."
    return Words(f"{amount} collected", text, reverse("collect-account", args=[account]))


def _warning(notice: Notice) -> Words:
    says = notice.data
    why = f"Reason: {says['reason']}\n" if says["reason"] else ""
    text = f"{says['what']}\n\n{why}When: {notice.at:%d %b %Y, %H:%M} UTC\n\n{says['to_do']}"
    return Words(says["subject"], text, says["path"])


def _webhook_off(notice: Notice) -> Words:
    data = notice.data
    text = (
        f"Posts to {data['url']} were given up: {data['reason']} Nothing is posted there any more. When it works "
        "again, switch it on; notices that were missed can be sent again from its page."
    )
    return Words("A webhook was switched off", text, reverse("webhook", args=[data["endpoint"]]))


def _test(notice: Notice) -> Words:
    return Words("A test", "Somebody pressed the test button of this webhook.")


_WORDS = {
    Kind.TERMS_WAITING: _terms,
    Kind.EPOCH_SCORED: _scored,
    Kind.EPOCH_RESCORED: _rescored,
    Kind.DISPUTE_OPENED: _dispute_opened,
    Kind.DISPUTE_ANSWERED: _dispute_answered,
    Kind.DISPUTE_CLOSED: _dispute_closed,
    Kind.CORRECTION_WAITING: _correction,
    Kind.REVIEW_OPEN: _review,
    Kind.APPROVAL_NEEDED: _approval,
    Kind.ROOT_ACTIVE: _active,
    Kind.PAID: _paid,
    Kind.UPTIME_LOW: _uptime,
    Kind.MARKET_QUARANTINED: _quarantined,
    Kind.CLAIM_COLLECTED: _collected,
    Kind.PAY_CHANGED: _warning,
    Kind.PEOPLE_CHANGED: _warning,
    Kind.WEBHOOK_OFF: _webhook_off,
    Kind.TEST: _test,
}


def _program(notice: Notice) -> Program:
    if notice.program is None:
        raise ValueError(f"The notice {notice.key} has no programme.")
    return notice.program


def _disputing(notice: Notice) -> str:
    """Name the maker that disputes, as its own people and the treasury know it."""
    maker = notice.maker or Maker.objects.filter(slug=notice.data["maker"]).first()
    return maker.name if maker is not None else str(notice.data["maker"])


def _dispute(notice: Notice) -> str:
    return reverse("dispute", args=[notice.data["dispute"]])


def _amount(notice: Notice, name: str) -> str:
    return _program(notice).exact_amount(int(notice.data[name]))


def _epoch_name(notice: Notice) -> str:
    return f"Epoch {notice.data['epoch']} of {_program(notice).name}"


def _scorecard(notice: Notice) -> str:
    if notice.maker is None:
        return ""
    return reverse("scorecard", args=[notice.maker.slug, _program(notice).slug, notice.data["epoch"]])


def _treasury_epoch(notice: Notice) -> str:
    return reverse("treasury-epoch", args=[_program(notice).slug, notice.data["epoch"]])
