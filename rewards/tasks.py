"""Celery tasks of rewards: pokes only. Each asks the database what is due and may be lost, doubled or killed."""

import logging
import time
from collections.abc import Callable

from celery import Task, shared_task
from django.utils import timezone

from config import failpoints
from onchain.errors import OnchainError
from onchain.indexer import node
from onchain.locks import try_lock
from onchain.rpc import RpcClient
from onchain.selectors import head
from rewards.errors import RewardsError
from rewards.models import Epoch, Program
from rewards.services import task_counts  # noqa: F401 - it listens to what becomes of tasks
from rewards.services.auto_collect import auto_collect_ask
from rewards.services.chain_sync import program_watch
from rewards.services.claims import claims_relay
from rewards.services.live import live_due, live_score
from rewards.services.luck import luck_compute, luck_due
from rewards.services.notices.delivering import deliveries_do
from rewards.services.notices.recording import notices_record
from rewards.services.programs import epoch_schedule_next, epochs_begin
from rewards.services.proofs import proof_packs_write
from rewards.services.publishing import program_advance, proposals_resolve
from rewards.services.quarantine import rederivations_do
from rewards.services.quote_cells import quote_cells_advance, quote_cells_due
from rewards.services.rescoring import rescores_advance
from rewards.services.review_facts import review_facts_compute, review_facts_due
from rewards.services.running import key_look, worker_seen
from rewards.services.safe import safes_advance, safes_execute
from rewards.services.scoring import epoch_score_if_due, stretches_score_or_stop
from rewards.services.stretches import stretches_due
from rewards.services.whatif import whatifs_due, whatifs_sweep
from rewards.services.whatif_answer import whatif_answer

logger = logging.getLogger(__name__)
STRETCHES_S = 20.0
"""A run over a market's stretches ends after this long; the next poke has somebody go on."""


@shared_task(name="rewards.tasks.watch_distributor")
def watch_distributor() -> None:
    """Mirror what the chain says of every programme's epochs and claims."""
    _for_each_program("watch", lambda client, program: program_watch(client, program=program))


@shared_task(name="rewards.tasks.advance_epochs")
def advance_epochs() -> None:
    """Begin, score, propose and activate whatever is due."""
    _for_each_program("advance", _advance)


@shared_task(name="rewards.tasks.poke_stretches")
def poke_stretches() -> None:
    """Have somebody do the stretches that are due: one small task a market, for any worker anywhere."""
    for epoch_id, market in stretches_due(now=timezone.now()):
        # One that expires in the queue is no loss: the next poke sends it again.
        score_stretches.apply_async(args=(epoch_id, market), expires=STRETCHES_S)


@shared_task(name="rewards.tasks.score_stretches")
def score_stretches(epoch_id: int, market: str) -> None:
    """Do a market's due stretches; does nothing while another worker is at it."""
    ends_at = time.monotonic() + STRETCHES_S
    _step(
        f"The stretches of {market}",
        lambda: stretches_score_or_stop(
            epoch_id=epoch_id, market=market, now=timezone.now(), keep_going=lambda: time.monotonic() < ends_at
        ),
    )


@shared_task(name="rewards.tasks.score_live_epochs")
def score_live_epochs() -> None:
    """Bring the standings of live epochs up to the chain's settled time."""
    with try_lock("live scores") as held:
        for epoch_id in Epoch.objects.filter(state=Epoch.State.LIVE).values_list("pk", flat=True) if held else ():
            _step(f"The standing of epoch {epoch_id}", lambda epoch_id=epoch_id: live_score(epoch_id=epoch_id))


@shared_task(name="rewards.tasks.score_live_news")
def score_live_news() -> None:
    """The same right after new blocks, where any of them brings an epoch's time forward."""
    with try_lock("live scores") as held:
        for epoch_id in live_due() if held else ():
            _step(f"The standing of epoch {epoch_id}", lambda epoch_id=epoch_id: live_score(epoch_id=epoch_id))


@shared_task(name="rewards.tasks.poke_figures")
def poke_figures() -> None:
    """Have somebody bring the sums that scorecards draw up to date: one small task a market."""
    for epoch_id, market in quote_cells_due():
        sum_quotes.apply_async(args=(epoch_id, market), expires=STRETCHES_S)
    # One at a time: what scorecards draw of the live epoch has its turn between two.
    for epoch_id in luck_due(now=timezone.now())[:1]:
        sample_luck.apply_async(args=(epoch_id,), expires=STRETCHES_S)


@shared_task(name="rewards.tasks.sample_luck")
def sample_luck(epoch_id: int) -> None:
    """Work out what sampling would have paid in an epoch; does nothing while another worker is at it."""
    luck_compute(epoch_id=epoch_id, now=timezone.now())


@shared_task(name="rewards.tasks.sum_quotes")
def sum_quotes(epoch_id: int, market: str) -> None:
    """Sum up how a market was quoted; does nothing while another worker is at it."""
    ends_at = time.monotonic() + STRETCHES_S
    _step(
        f"The sums of {market}",
        lambda: quote_cells_advance(epoch_id=epoch_id, market=market, keep_going=lambda: time.monotonic() < ends_at),
    )


@shared_task(name="rewards.tasks.poke_whatifs")
def poke_whatifs() -> None:
    """Have somebody answer what-ifs that nobody is at."""
    for job_id in whatifs_due(now=timezone.now()):
        answer_whatif.apply_async(args=(job_id,), expires=STRETCHES_S)


@shared_task(name="rewards.tasks.answer_whatif")
def answer_whatif(job_id: int) -> None:
    """Go on with a what-if, epoch by epoch; does nothing while another worker is at it."""
    ends_at = time.monotonic() + STRETCHES_S
    whatif_answer(job_id=job_id, clock=timezone.now, keep_going=lambda: time.monotonic() < ends_at)


@shared_task(name="rewards.tasks.sweep_whatifs")
def sweep_whatifs() -> None:
    """Throw away answers that have expired, and give up what nobody has taken up for a day."""
    whatifs_sweep(now=timezone.now())


@shared_task(name="rewards.tasks.review_epochs")
def review_epochs() -> None:
    """Work out flags and statistics of scored epochs that have none for their present evidence."""
    now = timezone.now()
    for epoch_id in review_facts_due(now=now):
        with try_lock(f"review {epoch_id}") as held:
            # Somebody else may have done it since the list was made; it takes long for a large epoch.
            if held and epoch_id in review_facts_due(now=now):
                review_facts_compute(epoch_id=epoch_id, now=now)


@shared_task(name="rewards.tasks.relay_claims")
def relay_claims() -> None:
    """Send what people asked to collect."""
    _for_each_program("relay", _relay)


@shared_task(name="rewards.tasks.canary", bind=True)
def canary(self: Task, queue: str) -> None:
    """Say that somebody takes tasks from this queue."""
    worker_seen(queue=queue, worker=self.request.hostname or "a worker without a name", now=timezone.now())


@shared_task(name="rewards.tasks.look_at_key")
def look_at_key(role: str) -> None:
    """Write down what a hot key holds, where this worker has it."""
    client = node()
    try:
        _step(f"The balance of {role}", lambda: key_look(client, role=role, now=timezone.now()))
    finally:
        client.close()


@shared_task(name="rewards.tasks.derive_markets_again")
def derive_markets_again() -> None:
    """Do what operators asked for on the quarantine page."""
    _step("Deriving again", lambda: rederivations_do(now=timezone.now()))


@shared_task(name="rewards.tasks.find_notices")
def find_notices() -> None:
    """Write down what has happened that somebody wants to know."""
    for program in Program.objects.all():
        with try_lock(f"notices {program.slug}") as held:
            if held:
                _step(
                    f"Notices of {program.slug}",
                    lambda program=program: notices_record(program=program, now=timezone.now()),
                )


@shared_task(name="rewards.tasks.deliver_notices")
def deliver_notices() -> None:
    """Tell whoever is to be told; any number of workers may do so at once."""
    deliveries_do(now=timezone.now())


def _relay(client: RpcClient, program: Program) -> None:
    now = timezone.now()
    auto_collect_ask(program=program, now=now)
    claims_relay(client, program=program, now=now)
    safes_execute(client, program=program)


def _advance(client: RpcClient, program: Program) -> None:
    newest = head()
    if newest is None:
        return
    now = timezone.now()
    epochs_begin(now_ms=newest.time_ms)
    failpoints.hit("programs.begun")
    _step("The next epoch", lambda: epoch_schedule_next(program=program, now_ms=newest.time_ms))
    _step("What was sent", lambda: proposals_resolve(client, program=program))
    # Before publishing: what is to be scored again is not proposed.
    _step("Corrections", lambda: rescores_advance(client, program=program))
    # Before scoring, which takes longest: an epoch whose data can't be had doesn't hold up those before it.
    _step("Publishing", lambda: program_advance(client, program=program, now_s=newest.timestamp_s, now=now))
    _step("The treasury's Safe", lambda: safes_advance(client, program=program))
    for epoch in program.epochs.filter(state=Epoch.State.LIVE, end_ms__lte=newest.time_ms).order_by("number"):
        _step(f"Scoring epoch {epoch.number}", lambda epoch=epoch: epoch_score_if_due(epoch_id=epoch.pk, now=now))
    # Last: a full disk must not hold up anything that decides.
    _step("Proof packs", lambda: proof_packs_write(program=program))


def _for_each_program(task: str, step: Callable[[RpcClient, Program], object]) -> None:
    """Run a step for every programme under its lock; one programme's trouble is not another's."""
    for program in Program.objects.all():
        with try_lock(f"{task} {program.slug}") as held:
            if not held:
                continue
            client = node()
            try:
                _step(
                    f"{task} of {program.slug}",
                    lambda client=client, program=program: step(client, program),
                )
            finally:
                client.close()


def _step(what: str, body: Callable[[], object]) -> None:
    """Run a step; what may pass by itself is said and tried at the next poke, the rest is raised for the log."""
    try:
        body()
    except (OnchainError, RewardsError) as error:
        if not error.retryable:
            raise
        logger.info("%s: %s", what, error)
