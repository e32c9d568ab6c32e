"""The process that stays at the head: waits for new blocks, indexes them at once, and notes how the providers do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.utils import timezone

from onchain.errors import OnchainError
from onchain.heads import HeadWatch, websocket_url
from onchain.indexer import Indexer
from onchain.lease import Lease
from onchain.models import ProviderHealth
from onchain.rpc import RpcClient
from onchain.signals import indexed

logger = logging.getLogger(__name__)
LONGEST_WAIT_S = 1.0
"""Even without news the lease is renewed, and a head that no subscription announced is found."""
HEALTH_EVERY_S = 5.0
FLUSH_EVERY_S = 30.0
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)


def head_watch() -> HeadWatch:
    """Return the watch that the settings ask for: RPC_WS_URL, or the first node's own port, or polling alone."""
    url = settings.RPC_WS_URL or (websocket_url(settings.RPC_URLS[0]) if settings.RPC_URLS else "")
    return HeadWatch(url=None if url in ("", "off") else url, poll_s=settings.HEAD_POLL_S)


@dataclass(slots=True)
class Follower:
    """Follows the head under a lease until `keep_going` says no."""

    client: RpcClient
    lease: Lease
    watch: HeadWatch
    clock_s: Callable[[], float] = time.monotonic
    _health_at_s: float = field(default=float("-inf"))
    _flush_at_s: float = field(default=float("-inf"))

    def run(self, *, keep_going: Callable[[], bool]) -> None:
        """Index what comes. Raises LeaseLostError, AlarmError, IndexerStoppedError; waits out what passes."""
        indexer, failures = Indexer(self.client, lease=self.lease, live=self.watch.live), 0
        while keep_going():
            try:
                flush = self._due()
                indexer.run(flush=flush, keep_going=keep_going)
                failures = 0
                if indexer.progress.blocks:
                    # Whoever listens only pokes; one that fails must not stop the head.
                    indexed.send_robust(sender=Follower)
            except OnchainError as error:
                self._note_health()
                if not error.retryable:
                    raise
                wait_s = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
                failures += 1
                logger.warning("Indexing goes on in %s s: %s", wait_s, error)
                time.sleep(wait_s)
                continue
            if self.clock_s() - self._health_at_s > HEALTH_EVERY_S:
                self._note_health()
            self.watch.wait(longest_s=LONGEST_WAIT_S)
        indexer.deriver.flush()

    def _due(self) -> bool:
        due = self.clock_s() - self._flush_at_s > FLUSH_EVERY_S
        if due:
            self._flush_at_s = self.clock_s()
        return due

    def _note_health(self) -> None:
        self._health_at_s = self.clock_s()
        note_health(self.client)


def note_health(client: RpcClient) -> None:
    """Write down how each provider does, for the status page and the metrics; forgets those of other settings."""
    now_s = client.clock_s()
    rows = [
        ProviderHealth(
            name=provider.name, answered=provider.health.answered, failed=provider.health.failed,
            resting=provider.health.rests_until_s > now_s, latency_ms=round(provider.health.latency_ms),
            last_error=provider.health.last_error[:500], updated_at=timezone.now(),
        )
        for provider in client.providers
    ]  # fmt: skip
    fields = ["answered", "failed", "resting", "latency_ms", "last_error", "updated_at"]
    unique = {row.name: row for row in rows}
    ProviderHealth.objects.bulk_create(
        unique.values(), update_conflicts=True, unique_fields=["name"], update_fields=fields
    )
    ProviderHealth.objects.exclude(name__in=unique).delete()
