"""Collecting by itself: for accounts whose owners switched it on, a request as soon as there is something new."""

import logging
from datetime import datetime

from accounts.roles import Person, owns_account
from config import failpoints
from rewards.errors import NotAllowedError, NothingToCollectError, TooManyRequestsError
from rewards.models import AutoCollect, ClaimRequest, Entitlement, Epoch, Program
from rewards.services.claims import claim_request

logger = logging.getLogger(__name__)


def auto_collect_set(*, by: Person, program: Program, account: str, on: bool) -> None:
    """Switch on or off that an account's claims are sent by themselves; doing it twice changes nothing.

    Only the account's owner may ask for it: each collection is an event in its books. Raises NotAllowedError.
    """
    if not owns_account(person=by, account=account):
        raise NotAllowedError(what="Having an account collect by itself", who="who signs in with its wallet")
    if on:
        AutoCollect.objects.get_or_create(program=program, account=account.lower())
    else:
        AutoCollect.objects.filter(program=program, account=account.lower()).delete()


def auto_collect_ask(*, program: Program, now: datetime) -> None:
    """Make a request for every such account with something new to collect: one for each amount, never a second."""
    accounts = list(AutoCollect.objects.filter(program=program).values_list("account", flat=True))
    if not accounts:
        return
    active = program.epochs.filter(state=Epoch.State.ACTIVE).order_by("-number").first()
    leaves = Entitlement.objects.filter(epoch=active, token=program.token, account__in=accounts)
    granted = dict(leaves.values_list("account", "cumulative"))
    tried = set(ClaimRequest.objects.filter(program=program, account__in=accounts).values_list("account", "cumulative"))
    for account, cumulative in sorted(granted.items()):
        if (account, cumulative) not in tried:
            try:
                claim_request(program=program, account=account, now=now)
                failpoints.hit("autocollect.asked")
            except (NothingToCollectError, TooManyRequestsError) as error:
                logger.debug("Not collected by itself: %s", error)
