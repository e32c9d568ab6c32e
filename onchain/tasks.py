"""Celery tasks of onchain: each asks the database what is due and may be lost, doubled or killed at any line."""

import logging
import time

from celery import shared_task

from onchain import backfill
from onchain.errors import IndexerStoppedError, LeaseLostError, OnchainError
from onchain.indexer import follow, head_lock, node
from onchain.models import BackfillRange

logger = logging.getLogger(__name__)
RUN_S = 20.0
"""A run ends after this long, so that a worker's stop never waits long and other tasks get their turn."""


@shared_task(name="onchain.tasks.follow_head")
def follow_head() -> None:
    """Index what is new on the chain; does nothing while another process does it (`manage.py follow`, usually)."""
    client = node()
    try:
        chain_id = int(client.call(method="eth_chainId"), 16)
        ends_at = time.monotonic() + RUN_S
        with head_lock(chain_id=chain_id) as lease:
            if lease is not None:
                follow(client, keep_going=lambda: time.monotonic() < ends_at, lease=lease)
    except (IndexerStoppedError, LeaseLostError) as error:
        logger.error("%s", error)
    except OnchainError as error:
        if not error.retryable:
            raise
        # The next poke is a second away.
        logger.warning("Indexing goes on later: %s", error)
    finally:
        client.close()


@shared_task(name="onchain.tasks.backfill_ranges")
def backfill_ranges() -> None:
    """Do open ranges of history until none is left or the run's time is over; beat pokes again."""
    ends_at = time.monotonic() + RUN_S
    if not BackfillRange.objects.filter(done=False).exists():
        return
    client = node()
    try:
        while time.monotonic() < ends_at and backfill.work(client):
            pass
    except OnchainError as error:
        if not error.retryable:
            raise
        logger.warning("The range is tried again later: %s", error)
    finally:
        client.close()
