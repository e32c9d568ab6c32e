"""Four eyes on an epoch: judge its flags, put it forward, send it back, lift that, approve, comment.

Roles are asked here; that nobody approves what they put forward, and the order of verdicts, the database guards as
well (migration review_guards).
"""

from django.db import DatabaseError, IntegrityError, transaction

from accounts.errors import NotPermittedError
from accounts.models import User
from accounts.roles import Deed, Person, require
from rewards.errors import ReviewRefusedError
from rewards.models import Epoch, EpochComment, EpochVerdict, Flag, FlagVerdict
from rewards.selectors.review import approval_hindrance, put_forward_hindrance, review_state

KIND = EpochVerdict.Kind
MOST_TEXT = 4_000


def epoch_put_forward(*, by: Person, epoch: Epoch, root: str) -> EpochVerdict:
    """Put a proposed epoch forward for approval by somebody else; its serious flags must have been judged.

    root: what the person has looked at. Raises NotPermittedError and ReviewRefusedError.
    """
    require(person=by, deed=Deed.PUT_EPOCH_FORWARD)
    return _decide(by, epoch, root, KIND.PUT_FORWARD, "", put_forward_hindrance(epoch=epoch))


def epoch_send_back(*, by: Person, epoch: Epoch, root: str, reason: str) -> EpochVerdict:
    """Stop the approval of an epoch's root, and say what is to be done. Raises as `epoch_put_forward`."""
    require(person=by, deed=Deed.SEND_EPOCH_BACK)
    hindrance = None
    if epoch.state in (Epoch.State.APPROVED, Epoch.State.ACTIVE):
        hindrance = "it is approved on the chain; only the guardian can stop it, and only until its delay is over"
    elif epoch.state not in (Epoch.State.SCORED, Epoch.State.PROPOSED):
        hindrance = "it waits for no decision"
    elif review_state(epoch=epoch).sent_back is not None:
        hindrance = "it was sent back already"
    return _decide(by, epoch, root, KIND.SEND_BACK, _text(epoch, reason, what="what is to be done"), hindrance)


def epoch_lift(*, by: Person, epoch: Epoch, root: str, reason: str) -> EpochVerdict:
    """Lift another person's send-back; the epoch is then put forward anew. Raises as `epoch_send_back`."""
    require(person=by, deed=Deed.SEND_EPOCH_BACK)
    sent_back = review_state(epoch=epoch).sent_back
    hindrance = None
    if sent_back is None:
        hindrance = "it was not sent back"
    elif sent_back.person_id == _user(by).pk:
        hindrance = "you have sent it back yourself; another person has to lift that"
    return _decide(by, epoch, root, KIND.LIFT, _text(epoch, reason, what="why it may go on"), hindrance)


def epoch_approve(*, by: Person, epoch: Epoch, reason: str = "") -> EpochVerdict:
    """Note a treasurer's approval of what somebody else has put forward; a second time is as good as once.

    The chain decides whether it is approved. Raises NotPermittedError and ReviewRefusedError.
    """
    require(person=by, deed=Deed.APPROVE_EPOCH)
    person = _user(by)
    hindrance = approval_hindrance(epoch=epoch, person_id=person.pk)
    earlier = EpochVerdict.objects.filter(
        epoch=epoch, root=epoch.root, manifest_hash=epoch.manifest_hash, person=person, kind=KIND.APPROVE
    ).first()
    if hindrance is None and earlier is not None:
        return earlier
    return _decide(by, epoch, epoch.root, KIND.APPROVE, reason, hindrance)


def flag_judge(*, by: Person, flag: Flag, verdict: str, why: str) -> FlagVerdict:
    """Say of a flag what it comes to, and why. Nobody's pay changes by it. Raises as the others."""
    require(person=by, deed=Deed.JUDGE_FLAG)
    if verdict not in FlagVerdict.Verdict.values:
        raise ReviewRefusedError(number=flag.epoch.number, reason="choose what the flag comes to")
    text = _text(flag.epoch, why, what="why")
    return FlagVerdict.objects.create(flag=flag, person=_user(by), verdict=verdict, why=text)


def epoch_comment(*, by: Person, epoch: Epoch, text: str) -> EpochComment:
    """Write something beside an epoch, for all who decide on it. Raises as the others."""
    require(person=by, deed=Deed.COMMENT_ON_EPOCH)
    text = _text(epoch, text, what="something")
    return EpochComment.objects.create(epoch=epoch, root=epoch.root, person=_user(by), text=text)


def _decide(by: Person, epoch: Epoch, root: str, kind: str, reason: str, hindrance: str | None) -> EpochVerdict:
    if root != epoch.root:
        hindrance = "it has been scored again since you opened the page; look at it anew"
    if hindrance is not None:
        raise ReviewRefusedError(number=epoch.number, reason=hindrance)
    try:
        with transaction.atomic():
            return EpochVerdict.objects.create(
                epoch=epoch, root=root, manifest_hash=epoch.manifest_hash, person=_user(by), kind=kind, reason=reason
            )
    except (IntegrityError, DatabaseError) as error:
        # Somebody was faster, or the rows say otherwise than we read them a moment ago: the database has the last word.
        words = str(error).splitlines()[0].partition(": ")[2].rstrip(".")
        raise ReviewRefusedError(number=epoch.number, reason=words or "the database refused it") from error


def _text(epoch: Epoch, text: str, *, what: str) -> str:
    text = text.strip()
    if not text:
        raise ReviewRefusedError(number=epoch.number, reason=f"write {what}")
    if len(text) > MOST_TEXT:
        raise ReviewRefusedError(number=epoch.number, reason=f"the text has {len(text)} characters, {MOST_TEXT} fit")
    return text


def _user(person: Person) -> User:
    if not isinstance(person, User) or person.pk is None:
        raise NotPermittedError(what="Deciding about an epoch", who="people with an account of their own")
    return person
