"""One process per chain follows the head: an advisory lock says who, a lease lets others take over from one that hangs.

The lock dies with its holder's database session. A holder that lives on but does nothing (a machine that lost its
network, a process that is stopped) stops renewing its lease; then another one ends that session and takes the lock.
Each turn has a token of its own, checked in every commit, so a holder that wakes up late can't write any more.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection

from config import failpoints
from onchain.errors import LeaseLostError
from onchain.locks import LOCK_CLASS, lock_number, try_lock

logger = logging.getLogger(__name__)
LEASE_S = 60.0
"""Longer than any commit takes, and than a stalled node holds a call up with all its attempts."""
TAKE_OVER_WAIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Lease:
    """A turn at following a chain's head."""

    chain_id: int
    token: int

    def renew(self) -> None:
        """Say that this turn goes on; nobody else commits before the caller does. Raises LeaseLostError."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE onchain_headlease SET renewed_at = clock_timestamp() WHERE chain_id = %s AND token = %s",
                [self.chain_id, self.token],
            )
            if cursor.rowcount != 1:
                raise LeaseLostError(chain_id=self.chain_id)


@contextmanager
def head_lease(*, chain_id: int, lease_s: float = LEASE_S) -> Iterator[Lease | None]:
    """Hold the chain's lock, or give None: some other process follows it and is alive."""
    name = f"head of chain {chain_id}"
    with try_lock(name) as held:
        if held:
            yield _begin(chain_id)
            return
    if not _expired(chain_id, lease_s):
        yield None
        return
    logger.warning("Whoever followed chain %s has not for %s seconds; taking over", chain_id, int(lease_s))
    _end_holder(name)
    deadline = time.monotonic() + TAKE_OVER_WAIT_S
    while True:
        with try_lock(name) as held:
            if held or time.monotonic() > deadline:
                yield _begin(chain_id) if held else None
                return
        time.sleep(0.05)


def _begin(chain_id: int) -> Lease:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO onchain_headlease AS l (chain_id, token, holder, renewed_at)"
            " VALUES (%s, 1, %s, clock_timestamp()) ON CONFLICT (chain_id) DO UPDATE"
            " SET token = l.token + 1, holder = excluded.holder, renewed_at = excluded.renewed_at RETURNING token",
            [chain_id, f"{socket.gethostname()}, process {os.getpid()}"[:120]],
        )
        lease = Lease(chain_id, cursor.fetchone()[0])
    failpoints.hit("lease.begun")
    return lease


def _expired(chain_id: int, lease_s: float) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp() - renewed_at > %s * interval '1 second' FROM onchain_headlease"
            " WHERE chain_id = %s",
            [lease_s, chain_id],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def _end_holder(name: str) -> None:
    """End the database session that holds the lock; a role may end its own sessions."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND classid::bigint = %s AND objid::bigint = %s",
            [LOCK_CLASS, lock_number(name) % 2**32],
        )
