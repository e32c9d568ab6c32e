"""Two tasks: one writes a line, asks a node that is not there and leaves a row; the other fails."""

import contextlib
import logging

from celery import shared_task
from django.utils import timezone

from onchain.errors import OnchainError
from onchain.rpc import Policy, connect


@shared_task(name="tests.watching.does")
def does() -> None:
    """Work."""
    from rewards.services.running import worker_seen

    logging.getLogger("a.library").warning("in the task")
    client = connect(urls=["http://127.0.0.1:9"], policy=Policy(attempts=1))
    with contextlib.suppress(OnchainError):
        client.call(method="eth_chainId")
    client.close()
    worker_seen(queue="from a page", worker="w", now=timezone.now())


@shared_task(name="tests.watching.fails")
def fails() -> None:
    """Fail."""
    raise RuntimeError("Authorization: Bearer lamp_aaaaaaaa_secretbbbb")
