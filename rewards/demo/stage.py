"""An empty stage for the demo: its own database, queue and chain, whose clock starts before the first week."""

import fcntl
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import psycopg
from django.conf import settings
from psycopg import sql

from config import embedded
from config.embedded.layout import run_dir, socket_dir
from config.embedded.postgres import DATABASE
from config.embedded.roles import OWNER, SUPERUSER
from rewards.demo.chain import Deployment, LocalChain
from rewards.demo.errors import NotDuringDemoError
from rewards.demo.market import MARKETS

SETUP_S = 3_600
"""The contracts are put on the chain so long before the first epoch."""
DELAY_S = 30
MARKET_NAMES = tuple(spec.name for spec in MARKETS)
FAST_CHAIN = (
    # The local chain works its whole state out again at every block, and newer rules keep up to 8,191 block hashes in
    # it (EIP-2935): ten thousand blocks would take minutes instead of seconds. The contracts are compiled for cancun.
    "--hardfork", "cancun",
    # Calls at the final block need a few states; keeping that of every block slows each block down as well.
    "--prune-history", "16",
)  # fmt: skip
LOCK = "stage.lock"
"""Held while a demo uses the folder; stays there and says that its database may be emptied."""
TREASURY_MONEY = 10_000_000 * 10**18
DEPLOYER, TREASURY, PROPOSER, GUARDIAN, RELAYER, SEQUENCER, ATTESTOR = range(7)

_reserved: list[IO[str]] = []
"""Open lock files: closing one would give it free."""


def set_up(*, chain_start_s: int) -> str:
    """Start fresh embedded services (what an earlier demo left is removed) and return the chain's URL.

    Raises NotDuringDemoError when the settings name services of somebody's own, the folder's database is not a demo's,
    or it runs already, and EmbeddedError.
    """
    if not (settings.EMBEDDED_POSTGRES and settings.EMBEDDED_CHAIN):
        raise NotDuringDemoError(
            reason="The demo makes its database and chain anew at each start.",
            way_on="Unset DATABASE_URL and RPC_URLS, or run your own services with `make run`.",
        )
    root: Path = settings.DATA_DIR
    _refuse_what_others_made(root)
    _reserve(root)
    embedded.stop_left_over(root)
    embedded.stop_chain(root)
    # Before PostgreSQL starts: it writes to the file that it has opened, be it in a folder or not.
    shutil.rmtree(root / "logs", ignore_errors=True)
    embedded.use(root, with_chain=False)
    _empty_database(root)
    for folder in (settings.EVIDENCE_DIR, settings.PROOFS_DIR, root / "queue"):
        shutil.rmtree(folder, ignore_errors=True)
    embedded.broker_options(root)
    return embedded.ensure_chain(root, extra=[*FAST_CHAIN, "--timestamp", str(chain_start_s), "--no-mining"])


def _refuse_what_others_made(root: Path) -> None:
    """Empty no database but those of earlier demos, which have left their lock file beside it."""
    if (root / "postgres" / "PG_VERSION").exists() and not (root / "run" / LOCK).exists():
        raise NotDuringDemoError(
            reason=f"The database in {root} was not made by a demo or sandbox, which would empty it.",
            way_on="Unset LAMPLIGHT_DATA_DIR, or name another folder with it.",
        )


def _reserve(root: Path) -> None:
    """Take the data directory for this process: another demo's database must not be emptied under its feet.

    The kernel gives it free when the process ends, however it ends.
    """
    handle = (run_dir(root) / LOCK).open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise NotDuringDemoError(
            reason=f"It runs already: another process uses {root}.",
            way_on="Stop that one, or name another folder with LAMPLIGHT_DATA_DIR.",
        ) from error
    _reserved.append(handle)


def deploy(
    *,
    chain: LocalChain,
    first_s: int,
    markets: Sequence[str] = MARKET_NAMES,
    delay_s: int = DELAY_S,
    attested: bool = False,
) -> Deployment:
    """Put the contracts on the chain, give the treasury its money and open the markets.

    An approved epoch pays `delay_s` later. attested: the treasury approves only what an attestor of its own has
    worked out again from the chain.
    """
    accounts = chain.accounts
    at = iter(range(first_s - SETUP_S, first_s))
    start_block = chain.head()[0] + 1
    sequencer, deployer = accounts[SEQUENCER], accounts[DEPLOYER]
    exchange = chain.deploy(name="demo_exchange", sender=sequencer, time_s=next(at))
    token = chain.deploy(name="reward_token", sender=deployer, time_s=next(at), args=["Lamp", "LAMP"])
    roles = [accounts[TREASURY], accounts[PROPOSER], accounts[GUARDIAN]]
    attestors = [accounts[ATTESTOR]] if attested else []
    distributor = chain.deploy(
        name="rewards_distributor",
        sender=deployer,
        time_s=next(at),
        args=[*roles, attestors, len(attestors), delay_s, token],
    )  # fmt: skip
    chain.send(
        name="reward_token", to=token, sender=deployer, function="mint", args=[accounts[TREASURY], TREASURY_MONEY]
    )
    for name in markets:
        chain.send(name="demo_exchange", to=exchange, sender=sequencer, function="add_market", args=[name])
    chain.mine(time_s=next(at))
    return Deployment(exchange=exchange, token=token, distributor=distributor, start_block=start_block)


def _empty_database(root: Path) -> None:
    """Drop and make the demo's database; whoever is still connected is disconnected."""
    name = sql.Identifier(DATABASE)
    with psycopg.connect(host=str(socket_dir(root)), user=SUPERUSER, dbname="postgres", autocommit=True) as session:
        session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        session.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(OWNER)))
