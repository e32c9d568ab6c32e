"""Mail of notices: plain text, with a link that ends mail of this kind without signing in (RFC 8058)."""

import hashlib

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.urls import reverse

from accounts.models import User
from rewards.models import MailChoice, Notice
from rewards.selectors.notices import WARNINGS, Kind
from rewards.services.notices.words import words_of

_SALT = "rewards.notices.unsubscribe"


def mail(*, notice: Notice, person: User) -> None:
    """Write to a person. Raises what the mail server raises (OSError), for another try later."""
    words = words_of(notice=notice)
    link = f"\n\n{settings.SITE_URL}{words.path}" if words.path else ""
    ending, ends_it = _ways_to_end(notice=notice, person=person)
    footer = f"\n\n--\nLamplight never asks for a seed phrase.\n{ending}\n"
    message = EmailMessage(
        subject=words.subject,
        body=words.text + link + footer,
        to=[person.email],
        headers={
            # The same at every try, so that a mailbox may know a second copy.
            "Message-ID": f"<{hashlib.sha256(f'{notice.key} {person.pk}'.encode()).hexdigest()[:40]}@lamplight>",
            "Auto-Submitted": "auto-generated",
        }
        | ends_it,
    )
    message.send()


def _ways_to_end(*, notice: Notice, person: User) -> tuple[str, dict[str, str]]:
    """Return the sentence and the headers that tell how to end mail of this kind; warnings are always mailed."""
    if notice.kind in WARNINGS:
        return "This kind of mail can't be switched off.", {}
    stop = settings.SITE_URL + reverse("notices-stop", args=[stop_token(person=person, kind=Kind(notice.kind))])
    headers = {"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return f"No more mail of this kind: {stop}", headers


def stop_token(*, person: User, kind: Notice.Kind) -> str:
    """Return what the link carries: whom and which kind it is about, signed."""
    return signing.dumps([person.pk, kind.value], salt=_SALT)


def mail_stop(*, token: str) -> tuple[User, Notice.Kind] | None:
    """End mail of a kind by such a link, as often as it is followed; None when it is not one of ours."""
    read = read_token(token=token)
    if read is not None:
        MailChoice.objects.update_or_create(person=read[0], kind=read[1].value, defaults={"wanted": False})
    return read


def read_token(*, token: str) -> tuple[User, Notice.Kind] | None:
    """Return whom and which kind a link is about; None when it is not one of ours."""
    try:
        person_id, kind = signing.loads(token, salt=_SALT)
        return User.objects.get(pk=person_id), Kind(kind)
    except (signing.BadSignature, ValueError, TypeError, User.DoesNotExist):
        return None


def mail_choose(*, by: User, wanted: dict[Notice.Kind, bool]) -> None:
    """Store which kinds a person wants mailed; the kinds that are not named stay as they are."""
    for kind, is_wanted in wanted.items():
        MailChoice.objects.update_or_create(person=by, kind=kind.value, defaults={"wanted": is_wanted})
