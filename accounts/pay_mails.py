"""Mails a maker's members when one of them says that its pay goes elsewhere."""

from allauth.account.adapter import get_adapter

from accounts.models import Maker, User


def pay_changed_mail(*, maker: Maker, by: User, what: str, reason: str, url: str) -> None:
    """Tell every member of the maker who has an e-mail address, also who did it: the session may be in other hands.

    what: a sentence that says where pay goes now. url: where an admin can change it. The change stands even if the
    mail server does not answer.
    """
    context = {"maker": maker.name, "by": by.get_username(), "what": what, "reason": reason, "url": url}
    for person in maker.members.order_by("pk"):
        get_adapter().send_notification_mail("account/email/pay_changed", person, context)
