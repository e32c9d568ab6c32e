"""Resolves a quarantine: an operator says why, and the market is derived again from its raw logs by a worker.

The raw logs are what the chain proved; everything derived of the market goes and comes back by its adapter. If the
logs still contradict each other, the market is quarantined again at the same place, and nothing is lost.
"""

import logging
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.roles import Deed, Person, require, user_of
from config import failpoints
from onchain.derive import derive_again
from onchain.errors import ArchivedError
from onchain.models import Market
from rewards.errors import RederivationRefusedError
from rewards.models import Rederivation

logger = logging.getLogger(__name__)


def rederivation_ask(*, by: Person, market_id: int, reason: str, now: datetime) -> Rederivation:
    """Have a quarantined market derived again; a worker does it. now: this machine's clock.

    Raises NotPermittedError, and RederivationRefusedError for a market that is not quarantined (any more), one that
    is being derived again already, or a missing reason.
    """
    require(person=by, deed=Deed.DERIVE_AGAIN)
    market = Market.objects.filter(pk=market_id).first()
    if market is None:
        raise RederivationRefusedError(market="the market", reason="there is no such market")
    if not reason.strip():
        raise RederivationRefusedError(market=market.name, reason="say why, for whoever reads the audit log")
    if market.quarantined_block is None:
        raise RederivationRefusedError(market=market.name, reason="it is not quarantined")
    try:
        with transaction.atomic():
            return Rederivation.objects.create(
                market=market, block_number=market.quarantined_block, contradiction=market.quarantine_reason,
                reason=reason.strip()[:300], asked_by=user_of(by), asked_at=now,
            )  # fmt: skip
    except IntegrityError as error:
        raise RederivationRefusedError(market=market.name, reason="somebody has asked for that already") from error


def rederivations_do(*, now: datetime) -> int:
    """Throw away what was derived of every market that was asked for; returns how many. Twice is the same as once."""
    done = 0
    for asked in Rederivation.objects.filter(done_at=None).select_related("market").order_by("pk"):
        with transaction.atomic():
            # Whoever comes second finds the row done, or waits here until it is.
            row = Rederivation.objects.select_for_update().get(pk=asked.pk)
            if row.done_at is not None:
                continue
            market = Market.objects.select_for_update().get(pk=row.market_id)
            if market.quarantined_block is not None and not _derive_again(market):
                continue
            failpoints.hit("quarantine.before_commit")
            row.done_at = now
            row.save(update_fields=["done_at"])
        failpoints.hit("quarantine.done")
        done += 1
        logger.warning("%s is derived again from its raw logs: %s", asked.market.name, asked.reason)
    return done


def _derive_again(market: Market) -> bool:
    """Return False where its rows have to be brought back from the archive first: the wish stays, and others go on."""
    try:
        derive_again(market=market)
    except ArchivedError as error:
        logger.warning("%s can't be derived again yet. %s", market.name, error)
        return False
    return True
