"""The ways into an account (password, wallets, e-mail addresses, passkeys), and the rule that one is always left."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.errors import LastWayInError
from accounts.models import User


def ways_in(*, person: User) -> int:
    """Return how many ways lead into the account: each wallet, verified address and passkey, and a password."""
    return (
        int(person.has_usable_password())
        + person.wallets.count()
        + EmailAddress.objects.filter(user_id=person.pk, verified=True).count()
        + Authenticator.objects.filter(user_id=person.pk, type=Authenticator.Type.WEBAUTHN).count()
    )


def require_another_way_in(*, person: User, than: str) -> None:
    """Raise LastWayInError of `than` (“This passkey”) if it is the last; call it inside the removal's transaction.

    The person's row stays locked until the transaction ends, so that of two removals at once one waits.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("require_another_way_in belongs into the transaction that removes the way in.")
    User.objects.select_for_update().get(pk=person.pk)
    if ways_in(person=person) <= 1:
        raise LastWayInError(what=than)
