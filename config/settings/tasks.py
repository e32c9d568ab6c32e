"""Celery (docs/scaling.md): the queue only pokes, the database decides; which queue a task goes to, and when."""

from config.settings.reading import env

CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
# A killed child's task keeps its place for so long (s), by default ten; nobody waits for results that are not kept.
CELERY_WORKER_LOST_WAIT = 1.0
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# With REMAP_SIGTERM=SIGQUIT (docker/compose.yml): told to stop, a worker lets its tasks end for so long, and then gives
# back to the queue what has not ended. Without that variable it waits for them without a limit.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = env.float("WORKER_STOP_S", default=20.0)
# In KiB. A child that ever took more is replaced when its task is done, so that the memory of a large epoch, or of a
# fault, does not stay with it until somebody restarts the worker.
CELERY_WORKER_MAX_MEMORY_PER_CHILD = env.int("WORKER_MEMORY_MIB", default=1024) * 1024
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TASK_SOFT_TIME_LIMIT = 1700
CELERY_BEAT_SCHEDULER = "config.beat:Scheduler"
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A queue of its own: workers on other machines may take stretches alone (--queues scoring).
CELERY_TASK_ROUTES = {
    "rewards.tasks.score_stretches": {"queue": "scoring"},
    # What scorecards draw: never in the way of anything that pays.
    "rewards.tasks.sum_quotes": {"queue": "figures"},
    "rewards.tasks.answer_whatif": {"queue": "figures"},
    "rewards.tasks.sample_luck": {"queue": "figures"},
    # A worker with the relayer's key and nothing else can serve this one alone.
    "rewards.tasks.relay_claims": {"queue": "relayer"},
}
CELERY_BEAT_SCHEDULE = {
    # A poke that finds nothing due costs one query; an expired poke is dropped, the next one does its work.
    "follow-head": {"task": "onchain.tasks.follow_head", "schedule": 1.0, "options": {"expires": 5}},
    "backfill-ranges": {"task": "onchain.tasks.backfill_ranges", "schedule": 5.0, "options": {"expires": 5}},
    "watch-distributor": {"task": "rewards.tasks.watch_distributor", "schedule": 2.0, "options": {"expires": 5}},
    "advance-epochs": {"task": "rewards.tasks.advance_epochs", "schedule": 2.0, "options": {"expires": 5}},
    "poke-stretches": {"task": "rewards.tasks.poke_stretches", "schedule": 2.0, "options": {"expires": 5}},
    "score-live": {"task": "rewards.tasks.score_live_epochs", "schedule": 5.0, "options": {"expires": 5}},
    "poke-figures": {"task": "rewards.tasks.poke_figures", "schedule": 5.0, "options": {"expires": 5}},
    "poke-whatifs": {"task": "rewards.tasks.poke_whatifs", "schedule": 2.0, "options": {"expires": 5}},
    "sweep-whatifs": {"task": "rewards.tasks.sweep_whatifs", "schedule": 600.0, "options": {"expires": 300}},
    "review-epochs": {"task": "rewards.tasks.review_epochs", "schedule": 3.0, "options": {"expires": 5}},
    "relay-claims": {"task": "rewards.tasks.relay_claims", "schedule": 2.0, "options": {"expires": 5}},
    "find-notices": {"task": "rewards.tasks.find_notices", "schedule": 5.0, "options": {"expires": 5}},
    "deliver-notices": {"task": "rewards.tasks.deliver_notices", "schedule": 2.0, "options": {"expires": 5}},
    "derive-again": {"task": "rewards.tasks.derive_markets_again", "schedule": 5.0, "options": {"expires": 5}},
    # The status page says who took the last one, queue by queue, and what the keys hold where the workers have them.
    **{
        f"canary-{queue}": {
            "task": "rewards.tasks.canary",
            "schedule": 20.0,
            "args": (queue,),
            "options": {"queue": queue, "expires": 60},
        }
        for queue in ("celery", "scoring", "figures", "relayer")
    },
    **{
        f"look-at-{role}": {
            "task": "rewards.tasks.look_at_key",
            "schedule": 60.0,
            "args": (role.upper(),),
            "options": {"queue": queue, "expires": 60},
        }
        for role, queue in (("relayer", "relayer"), ("proposer", "celery"))
    },
}
