"""Answers what-ifs from the epochs' evidence, an epoch at a time.

Whoever is killed loses the epoch that was being read; whoever comes twice finds the lock held; whoever finishes after
a cancel changes nothing.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.db import transaction

from config import failpoints
from onchain.locks import try_lock
from rewards.analysis.compared import AFTER, BEFORE, epoch_compared, summed_up, terms_of_epoch
from rewards.engine.bundle import EVENTS
from rewards.engine.errors import BundleError, EngineError, TermsError
from rewards.engine.events import EventColumns
from rewards.engine.evidence import read_events, read_static
from rewards.engine.whatif import TriedTermsError
from rewards.errors import WhatIfFailedError
from rewards.models import WhatIfJob, WhatIfPart
from rewards.services.whatif import KEPT

logger = logging.getLogger(__name__)
STATE = WhatIfJob.State
BATCH_ROWS = 1 << 16
SIGN = timedelta(seconds=1)
"""A worker writes down how far it is so often, and sees then whether it was cancelled."""
MOST_TRIES = 3
MOST_EVENTS = 100_000_000
MOST_ROWS = 60_000
"""So many rows of maker and market may an answer have over its epochs."""

_UNKNOWN = "It stopped for a reason that this program does not know; the operator finds it in the log."


class _CancelledError(Exception):
    """The what-if isn't wanted any more."""


def whatif_answer(*, job_id: int, clock: Callable[[], datetime], keep_going: Callable[[], bool] = lambda: True) -> bool:
    """Go on with a what-if where it stands, until it has ended or `keep_going` says no; returns whether it has ended.

    clock: this machine's. keep_going: asked after each epoch. Does nothing while another process is at it.
    """
    with try_lock(f"what-if {job_id}") as held:
        if not held:
            return False
        job = WhatIfJob.objects.filter(pk=job_id).defer("result", "summary").first()
        if job is None or not job.is_open:
            return True
        try:
            return _go_on(job, clock, keep_going)
        except _CancelledError:
            return True
        except WhatIfFailedError as error:
            _end(job, now=clock(), state=STATE.FAILED, error=str(error))
            return True
        except Exception:
            # Whatever it is: asking for ever would help nobody, and a person reads that it ended.
            logger.exception("What-if %s failed", job_id)
            _end(job, now=clock(), state=STATE.FAILED, error=_UNKNOWN)
            return True


def _go_on(job: WhatIfJob, clock: Callable[[], datetime], keep_going: Callable[[], bool]) -> bool:
    done = set(job.parts.values_list("number", flat=True))
    for epoch in job.epochs:
        if epoch["number"] in done:
            continue
        _answer_epoch(job, epoch, done=len(done), clock=clock)
        done.add(epoch["number"])
        if len(done) < len(job.epochs) and not keep_going():
            _sign(job, seen_at=None)  # the next poke has somebody go on
            return False
    _finish(job, now=clock())
    return True


def _answer_epoch(job: WhatIfJob, epoch: dict[str, Any], *, done: int, clock: Callable[[], datetime]) -> None:
    number, folder = epoch["number"], Path(settings.EVIDENCE_DIR) / epoch["evidence"]
    if job.tries >= MOST_TRIES:
        reason = f"its worker has died {job.tries} times over it; it may be too large for the worker’s memory"
        raise WhatIfFailedError(number=number, reason=reason)
    job.tries += 1
    _sign(job, state=STATE.RUNNING, tries=job.tries, epochs_done=done, events_done=0, seen_at=clock())
    failpoints.hit("whatif.begun")
    try:
        total = _count(folder)
        if total > MOST_EVENTS:
            reason = f"it has {total:,} events, and {MOST_EVENTS:,} are the most"
            raise WhatIfFailedError(number=number, reason=reason)
        _sign(job, events_total=total)
        document = _compared(job, number, folder, clock)
    except BundleError as error:
        reason = f"its evidence can’t be read on the worker’s machine ({str(error).rstrip('.')})"
        raise WhatIfFailedError(number=number, reason=reason) from error
    except EngineError as error:
        raise WhatIfFailedError(number=number, reason=str(error).rstrip(".")) from error
    failpoints.hit("whatif.before_part")
    with transaction.atomic():
        job.tries = 0
        _sign(job, epochs_done=done + 1, events_done=0, events_total=0, tries=0, seen_at=clock())
        WhatIfPart.objects.get_or_create(job=job, number=number, defaults={"document": document})
    failpoints.hit("whatif.part")


def _compared(job: WhatIfJob, number: int, folder: Path, clock: Callable[[], datetime]) -> dict[str, Any]:
    inputs = read_static(folder)
    labels = {BEFORE: job.before_label, AFTER: job.after_label}
    tried = {}
    for label, template in ((BEFORE, job.before_json), (AFTER, job.after_json)):
        try:
            tried[label] = terms_of_epoch(inputs=inputs, template=template)
        except TermsError as error:
            reason = f"by {labels[label]} it is not possible: {str(error).rstrip('.')}"
            raise WhatIfFailedError(number=number, reason=reason) from error
        if inputs.terms.markets.keys().isdisjoint(tried[label].markets):
            reason = f"it had none of the markets of {labels[label]}, so nobody quoted there"
            raise WhatIfFailedError(number=number, reason=reason)
    try:
        return epoch_compared(
            inputs=inputs, before=tried[BEFORE], after=tried[AFTER], batches=lambda: _watched(job, folder, clock)
        )
    except TriedTermsError as error:
        raise WhatIfFailedError(number=number, reason=f"by {labels[error.label]}: {error.reason}") from error


def _watched(job: WhatIfJob, folder: Path, clock: Callable[[], datetime]) -> Iterator[EventColumns]:
    """Yield the events, and now and then say how far they are read; stops when nobody wants the answer any more."""
    read, said_at = 0, clock()
    for batch in read_events(folder, batch_rows=BATCH_ROWS):
        yield batch
        read += len(batch)
        if (now := clock()) - said_at >= SIGN:
            said_at = now
            _sign(job, events_done=read, seen_at=now)


def _count(folder: Path) -> int:
    """Return how many events a bundle has, as its file says. Raises BundleError."""
    try:
        return int(pq.read_metadata(folder / EVENTS).num_rows)
    except FileNotFoundError as error:
        raise BundleError(file=EVENTS, reason="the file is missing") from error
    except (OSError, pa.ArrowException) as error:
        raise BundleError(file=EVENTS, reason="it is not whole Parquet") from error


def _sign(job: WhatIfJob, **fields: Any) -> None:
    """Write how far it is, unless it has ended meanwhile: then this worker's part in it is over."""
    if not WhatIfJob.objects.filter(pk=job.pk, state__in=WhatIfJob.OPEN).update(**fields):
        raise _CancelledError


def _finish(job: WhatIfJob, *, now: datetime) -> None:
    documents = list(job.parts.order_by("number").values_list("document", flat=True))
    rows = sum(len(document["rows"]) for document in documents)
    if rows > MOST_ROWS:
        reason = f"the answer would have {rows:,} rows of maker and market; choose fewer epochs"
        raise WhatIfFailedError(number=documents[-1]["epoch"], reason=reason)
    failpoints.hit("whatif.before_end")
    summary = summed_up(documents)
    _end(job, now=now, state=STATE.DONE, summary=summary, result={"version": 1, "epochs": documents})


def _end(job: WhatIfJob, *, now: datetime, **fields: Any) -> None:
    """End it once: whoever finds it ended (cancelled, swept) leaves it as it is."""
    with transaction.atomic():
        still_open = WhatIfJob.objects.filter(pk=job.pk, state__in=WhatIfJob.OPEN)
        still_open.update(ended_at=now, expires_at=now + KEPT, events_done=0, events_total=0, **fields)
        WhatIfPart.objects.filter(job=job).delete()
