"""The whole way with real processes while things break, as a program: prints what came out as one JSON line.

    python -m tests.faults.service DATA_DIR '{"seed": 1, "epochs": 2, "mishaps": {"postgres": 2}}'

Makers trade on a chain of its own, a worker indexes, scores live, scores, proposes and activates, people correct,
approve and collect, all at the same time, and the mishaps (tests/faults/mishaps.py) happen meanwhile.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 600.0
"""Longer than nothing changes after the trading, on a machine that does other things and compiles the kernels first."""
CLAIMS_ONCE_S = 0.5


def main(data_dir: str, plan: dict[str, Any]) -> int:
    """Run the way; the last line printed is the outcome."""
    root = Path(data_dir)
    os.environ |= {"LAMPLIGHT_DATA_DIR": data_dir, "DJANGO_SETTINGS_MODULE": "config.settings.local"}
    sys.path.insert(0, str(REPOSITORY))
    from config.embedded import stop_on_signals
    from config.embedded.layout import free_port, run_dir

    stop_on_signals()
    (run_dir(root) / "chain-port").write_text(str(free_port()))
    from tests.faults.mishaps import Mishaps

    with Mishaps.of(root, plan.get("mishaps", {})) as mishaps:
        os.environ |= mishaps.folders
        import django

        django.setup()
        print(json.dumps(Way(root, mishaps, plan).run()))
    return 0


class Way:
    """One run of the way."""

    def __init__(self, root: Path, mishaps: Any, plan: dict[str, Any]) -> None:
        self.root, self.mishaps = root, mishaps
        self.seed, self.epochs = plan["seed"], plan["epochs"]
        self.pause_s = plan.get("pause_s", 0.0)
        self.now_s = 0
        self._looked_at = 0.0
        self._began_at = self._moved_at = time.monotonic()
        self._told = self._stood = ""

    def run(self) -> dict[str, Any]:
        """Trade to the end of the last epoch, then wait until everybody is paid."""
        from django.core.management import call_command

        from rewards.demo import stage
        from rewards.demo.chain import LocalChain
        from rewards.demo.node import Node
        from tests.faults import flow
        from tests.faults.crew import Crew
        from tests.faults.people import People

        url = stage.set_up(chain_start_s=flow.FIRST_S - 2 * stage.SETUP_S)
        call_command("migrate", verbosity=0)
        with Node(url=url) as connection:
            self.chain = LocalChain(node=connection)
            self.chain.take_over()
            self.people = People(self.chain, url=url, epochs=self.epochs)
            crew = Crew(self.root, env={**self.environment(), **self.mishaps.begin(url)})
            self.mishaps.crew = crew
            try:
                crew.start("worker", "beat", *self.mishaps.more)
                self._trade()
                self._wait()
                return self._outcome(crew)
            finally:
                crew.stop()

    def environment(self) -> dict[str, str]:
        """What the service's processes get: a database and a chain that are not theirs to start, as in production."""
        from config import embedded
        from config.embedded.layout import socket_dir

        return {
            "DATABASE_URL": f"postgres://lamplight@/{socket_dir(self.root)}/lamplight",
            "PROPOSER_KEY": embedded.test_key("proposer"),
            "RELAYER_KEY": embedded.test_key("relayer"),
            "REVIEW_HOURS": "0",
            "RPC_WS_URL": "off",
        }

    def _trade(self) -> None:
        from rewards.demo.chain import Sequencer
        from rewards.demo.stage import SEQUENCER
        from tests.faults import flow

        sequencer = Sequencer(
            chain=self.chain, exchange=self.people.made.exchange, account=self.chain.accounts[SEQUENCER]
        )
        whole = self.epochs * flow.BLOCKS_AN_EPOCH
        for number, block in enumerate(flow.blocks(seed=self.seed, epochs=self.epochs)):
            sequencer.write([block])
            self.now_s = block.time_s
            self._look(share=number / whole)
            time.sleep(self.pause_s)

    def _wait(self) -> None:
        from tests.faults.flow import BLOCK_S

        while not (self._look(share=1.0) and self.mishaps.are_over):
            if time.monotonic() > self._moved_at + PATIENCE_S:
                raise TimeoutError(f"It does not end: {self.people.state()}; {self.mishaps.counts()}")
            self.now_s += BLOCK_S
            self.chain.mine(time_s=self.now_s)
            time.sleep(0.1)

    def _look(self, *, share: float) -> bool:
        """Let mishaps happen and people do what they can, now and then; returns whether all are paid."""
        self.mishaps.step(share)
        if time.monotonic() - self._looked_at < CLAIMS_ONCE_S:
            return False
        self._looked_at = time.monotonic()
        is_done = bool(patient(self.people.act, otherwise=False))
        self._tell(share)
        return is_done

    def _tell(self, share: float) -> None:
        """Write into logs/way.log where it stands, whenever that has changed: what a run waits for is seen there."""
        state = str(patient(self.people.state, otherwise="no database"))
        stands, told = f"{state}; {self.mishaps.done}", f"{state}; {self.mishaps.counts()}"
        if stands != self._stood:
            self._stood, self._moved_at = stands, time.monotonic()
        if told != self._told:
            self._told = told
            with (self.root / "logs" / "way.log").open("a") as log:
                log.write(f"{time.monotonic() - self._began_at:6.1f} s, {share:.0%} traded: {told}\n")

    def _outcome(self, crew: Any) -> dict[str, Any]:
        from tests.faults.proof import facts

        return facts(self.people) | {
            "deaths": crew.deaths,
            "mishaps": self.mishaps.counts(),
            "errors": crew.said("worker", "Traceback"),
        }


def patient(body: Callable[[], Any], *, otherwise: Any) -> Any:
    """Do something that needs the database; while that is away, give `otherwise`."""
    from django.db import DatabaseError, InterfaceError, connection

    try:
        return body()
    except (DatabaseError, InterfaceError):
        with suppress(DatabaseError, InterfaceError):
            connection.close()
        return otherwise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], json.loads(sys.argv[2])))
