"""The page that shows e-mails on a machine of one's own, where none is sent: sign-in codes are found here."""

import email
import email.policy
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

SHOWN = 20
_BETWEEN = b"-" * 79 + b"\n"


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail that was written to the folder."""

    to: str
    subject: str
    at: datetime
    text: str


@require_safe
@never_cache
def local_mail(request: HttpRequest) -> HttpResponse:
    """Show the newest e-mails, where the settings keep them in a folder; elsewhere there is no such page."""
    folder = settings.LOCAL_MAIL_DIR
    if folder is None:
        raise Http404("E-mails are sent here, and no page shows them.")
    return render(request, "accounts/local_mail.html", {"mails": mails_in(Path(folder)), "folder": folder})


def mails_in(folder: Path) -> list[Mail]:
    """Return the newest SHOWN e-mails of a folder that Django's file backend writes to, the newest first."""
    # More than are shown: a disk gives those that were written within a few milliseconds the same time.
    files = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime_ns, reverse=True)[: 2 * SHOWN]
    # A file holds what was sent through one connection, and now and then through a later one, too.
    parts = [part for path in files for part in path.read_bytes().split(_BETWEEN) if part.strip()]
    mails = sorted((_mail(part) for part in parts), key=lambda mail: mail.at, reverse=True)
    return mails[:SHOWN]


def _mail(content: bytes) -> Mail:
    message = email.message_from_bytes(content, policy=email.policy.default)
    body = message.get_body(("plain",))
    text = body.get_content() if body is not None else ""
    return Mail(
        to=str(message["To"]),
        subject=str(message["Subject"]),
        at=parsedate_to_datetime(message["Date"]),
        text=text.strip(),
    )
