"""Celery tasks of onchain: each asks the database what is due and may be lost, doubled or killed at any line."""

import logging
import time

from celery import shared_task

from onchain.errors import IndexerStoppedError, OnchainError
from onchain.indexer import follow, head_lock, node

logger = logging.getLogger(__name__)
RUN_S = 20.0
"""A run ends after this long, so that a worker's stop never waits long and other tasks get their turn."""


@shared_task(name="onchain.tasks.follow_head")
def follow_head() -> None:
    """Index what is new on the chain; does nothing while another process does it."""
    client = node()
    try:
        chain_id = int(client.call(method="eth_chainId"), 16)
        ends_at = time.monotonic() + RUN_S
        with head_lock(chain_id=chain_id) as held:
            if held:
                follow(client, keep_going=lambda: time.monotonic() < ends_at)
    except IndexerStoppedError as error:
        logger.error("%s", error)
    except OnchainError as error:
        if not error.retryable:
            raise
        # The next poke is a second away.
        logger.warning("Indexing goes on later: %s", error)
    finally:
        client.close()
