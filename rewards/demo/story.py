"""The demo from an empty machine to a live market: the service does its work, the demo plays the people."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from config.embedded import Supervisor
from onchain.indexer import node as rpc_client
from onchain.models import ChainClaim, Cursor, MarketEvent
from rewards.demo.attestor import Attestor, is_ready_to_approve
from rewards.demo.chain import BLOCKS_PER_ROUND, LocalChain, Sequencer
from rewards.demo.errors import TooSlowError
from rewards.demo.exchange import Block
from rewards.demo.flow import LIVE, Flow
from rewards.demo.makers import address_of
from rewards.demo.programme import Plan, stand_in_treasurer
from rewards.demo.reviewer import is_put_forward, put_forward
from rewards.demo.terminal import Terminal
from rewards.errors import NothingToCollectError
from rewards.models import Epoch, LiveStanding, Program
from rewards.services.approval import approve_with_local_node
from rewards.services.claims import claim_request

COLLECTORS = ("omar", "saturday treasury", "nine-to-four treasury")
"""Who collects the first week's pay at once; everybody else's is left for the person at the screen."""
TOKEN = 10**18
TELL_EVERY_S = 60.0
SLOW_AT_FIRST = "The first time on a machine the scorer is compiled, which a busy processor takes minutes for."


@dataclass
class Story:
    """The running demo. `advance` keeps the chain moving while something is waited for."""

    chain: LocalChain
    sequencer: Sequencer
    program: Program
    flow: Flow
    supervisor: Supervisor
    terminal: Terminal
    attestor: Attestor
    plan: Plan
    now_s: int
    written: int = 0
    _live: Iterator[Block] | None = field(default=None)

    def write_until(self, *, until_s: int, text: str, between: Callable[[], None] = lambda: None) -> None:
        """Put the made-up week on the chain, block by block; `between` is called every so often."""
        start_s, blocks = self.now_s, self.flow.blocks(until_s=until_s)
        while part := list(islice(blocks, BLOCKS_PER_ROUND)):
            self.written += self.sequencer.write(part)
            self.now_s = part[-1].time_s
            self.terminal.bar(f"{text}: {self.written:,} operations", done=(self.now_s - start_s) / (until_s - start_s))
            between()
        self._tick(to_s=until_s)
        self.terminal.bar(f"{text}: {self.written:,} operations", done=1)

    def _tick(self, *, to_s: int) -> None:
        self.now_s = max(self.now_s + 1, to_s)
        self.chain.mine(time_s=self.now_s)

    def approve_when_proposed(self, number: int) -> Callable[[], None]:
        """Return something to call often: the reviewer puts every proposed epoch forward, the treasury approves this
        one, people then collect."""
        state = {"done": set[str]()}

        def look() -> None:
            self.attestor.look()
            self._put_forward()
            epoch = self.program.epochs.get(number=number)
            waits = epoch.state == Epoch.State.PROPOSED and "approved" not in state["done"]
            if waits and is_ready_to_approve(epoch) and is_put_forward(epoch):
                self._approve(epoch)
                state["done"].add("approved")
            if epoch.state == Epoch.State.ACTIVE and "claimed" not in state["done"]:
                self._collect()
                state["done"].add("claimed")

        return look

    def _put_forward(self) -> None:
        for epoch in self.program.epochs.filter(state=Epoch.State.PROPOSED):
            if is_put_forward(epoch) or (judged := put_forward(epoch)) is None:
                continue
            flags = f"judges {judged} flag{'' if judged == 1 else 's'} and " if judged else ""
            self.terminal.say(
                f"Rey, the reviewer, {flags}puts {self.plan.unit.lower()} {epoch.number} forward: nobody approves what "
                "they put forward themselves."
            )

    def _approve(self, epoch: Epoch) -> None:
        client = rpc_client()
        try:
            approve_with_local_node(client, epoch=epoch, by=stand_in_treasurer())
        finally:
            client.close()
        self._tick(to_s=self.now_s + 1)
        paid = (epoch.paid_total or 0) / TOKEN
        self.terminal.say(
            f"{self.plan.unit} {epoch.number} is scored, proposed and attested; the treasury approves {paid:,.0f} LAMP "
            f"for it. It pays {self.plan.delay_s} seconds later."
        )

    def _collect(self) -> None:
        self.terminal.say(
            f"{self.plan.unit} 1 pays. Some people ask to collect; the relayer sends their claims, free for them."
        )
        for name in COLLECTORS:
            try:
                claim_request(program=self.program, account=address_of(name))
            except NothingToCollectError:
                # Who quotes in office hours only has earned nothing on Thanksgiving (the small demo's first day).
                continue

    def wait(self, what: str, holds: Callable[[], bool], *, within_s: float, between: Callable[[], None]) -> None:
        """Let live seconds pass until something holds, and say once a minute how far it is.

        Raises TooSlowError, which says where to look.
        """
        began, told_s = time.monotonic(), 0.0
        while not holds():
            waited_s = time.monotonic() - began
            if waited_s > within_s:
                raise TooSlowError(
                    what=what, waited_s=within_s, look_at=str(self.supervisor.root / "logs" / "worker.log")
                )
            if waited_s - told_s > TELL_EVERY_S:
                told_s = waited_s
                self.terminal.say(f"Still at work: {self.standing()}. {SLOW_AT_FIRST}")
            self.live_second()
            between()

    def standing(self) -> str:
        """Say how far each epoch is."""
        unit, epochs = self.plan.unit.lower(), self.program.epochs.order_by("number")
        return ", ".join(f"{unit} {each.number} is {each.get_state_display().lower()}" for each in epochs)

    def live_second(self) -> None:
        """Let one second of the live market pass, at the speed of real time."""
        began = time.monotonic()
        self.attestor.look()
        for name in self.supervisor.watch():
            self.terminal.say(f"{name} stopped; it is started again (its log: logs/{name}.log).")
        if self._live is None:
            self._live = self.flow.blocks(until_s=2**40, pace=LIVE)
            self._next: Block | None = next(self._live)
        self.now_s += 1
        due: list[Block] = []
        while self._next is not None and self._next.time_s <= self.now_s:
            due.append(self._next._replace(time_s=self.now_s))
            self._next = next(self._live)
        if due:
            self.written += self.sequencer.write(due)
        else:
            self.chain.mine(time_s=self.now_s)
        time.sleep(max(0.0, 1.0 - (time.monotonic() - began)))

    def facts(self) -> dict[str, str]:
        """Return what the demo has to show, for the terminal."""
        cursor = Cursor.objects.first()
        collected = sum(ChainClaim.objects.values_list("amount", flat=True)) / TOKEN
        return {
            "blocks indexed": f"{cursor.block_number if cursor else 0:,}",
            "market events": f"{MarketEvent.objects.count():,}",
            "collected so far": f"{collected:,.2f} LAMP",
        }


def is_ready(program: Program) -> bool:
    """Tell whether everything that the demo promises is there to see."""
    states = dict(program.epochs.values_list("number", "state"))
    return (
        states.get(1) == Epoch.State.ACTIVE
        and states.get(2) == Epoch.State.PROPOSED
        and is_ready_to_approve(program.epochs.get(number=2))
        and is_put_forward(program.epochs.get(number=2))
        and states.get(3) == Epoch.State.LIVE
        and ChainClaim.objects.exists()
        and LiveStanding.objects.exists()
    )
