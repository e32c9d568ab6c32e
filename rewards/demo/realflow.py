"""Real order flow the whole way: recorded events through the exchange on the chain to a claimed reward."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from accounts.services import maker_enrol, maker_payouts_set
from config.embedded.chain import CHAIN_ID
from onchain.indexer import node as rpc_client
from onchain.services import market_register
from rewards.demo.chain import Deployment, LocalChain, Sequencer
from rewards.demo.errors import TooSlowError, VerificationError
from rewards.demo.makers import address_of
from rewards.demo.programme import SET_UP, stand_in_treasurer
from rewards.demo.recording import order_rows, sample_folder, trade_rows
from rewards.demo.replay import MAKERS, Replay
from rewards.demo.reviewer import put_forward
from rewards.demo.stage import SEQUENCER, deploy
from rewards.models import Entitlement, Epoch, Program
from rewards.services.approval import approve_with_local_node
from rewards.services.checks import approval_is_safe
from rewards.services.claims import claim_request
from rewards.services.programs import epoch_schedule, program_create

MARKET = "BTC-PERP"
SLUG = "bitstamp-replay"
BUDGET = 1_000 * 10**18
KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")
PATIENCE_S = 600.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out: amounts in the token's smallest unit."""

    used: int
    left_out: dict[str, int]
    blocks: int
    root: str
    paid: int
    balances: dict[str, int]


def terms(*, token: str, start_ms: int, end_ms: int) -> bytes:
    """Return the terms of the one epoch that holds the recording: all for quoting, near the middle, at any age."""

    def every(value: int) -> dict[str, int]:
        return dict.fromkeys(KINDS, value)

    market = {
        "weight_bps": 10_000, "quoting_share_bps": 8_500, "fills_share_bps": 1_500, "stress_share_bps": 0,
        "min_order_lots": 1, "min_rest_ms": 500, "reference_depth_lots": 1_000, "max_spread_bps": every(50),
        "clamp_bps": every(10_000), "min_uptime_bps": every(0), "curve": {"kind": "quadratic"},
        "two_sided_divisor": 3, "target_lots": 1_000, "presence_lots": 1, "max_share_bps": 5_000,
    }  # fmt: skip
    document = {
        "version": 1, "program": SLUG, "token": token, "budget": str(BUDGET), "min_payout": "0", "unspent": "return",
        "boosts": every(100), "epoch": {"number": 1, "start_ms": start_ms, "end_ms": end_ms},
        "markets": {MARKET: market},
    }  # fmt: skip
    return json.dumps(document).encode()


@dataclass
class RealFlow:
    """One run. `poke` lets the service work for a moment; `say` tells the person who waits."""

    chain: LocalChain
    poke: Callable[[], None]
    say: Callable[[str], None]
    events: int | None = None
    replay: Replay = field(init=False)
    now_s: int = 0

    def __post_init__(self) -> None:
        folder = sample_folder()
        self.replay = Replay(rows=order_rows(folder=folder, most=self.events), trades=trade_rows(folder=folder))
        self._blocks = list(self.replay.blocks())
        self.first_s, self.last_s = self._blocks[0].time_s, self._blocks[-1].time_s

    def run(self) -> Outcome:
        """Do everything. Raises DemoError with a sentence when a step can't be done or the evidence disagrees."""
        deployment = deploy(chain=self.chain, first_s=self.first_s, markets=(MARKET,))
        program = self._register(deployment)
        self._write(deployment)
        epoch = self._wait(program, Epoch.State.PROPOSED)
        self.say(f"Scored and proposed: {(epoch.paid_total or 0) / 10**18:,.2f} of 1,000 LAMP, root {epoch.root}.")
        self._verify(epoch)
        self._approve(epoch)
        epoch = self._wait(program, Epoch.State.ACTIVE)
        self.say("The treasury has approved and the delay is over: the root pays.")
        return Outcome(
            used=self.replay.used,
            left_out=dict(self.replay.left_out),
            blocks=len(self._blocks),
            root=epoch.root,
            paid=epoch.paid_total or 0,
            balances=self._collect(program, epoch, token=deployment.token),
        )

    def _register(self, deployment: Deployment) -> Program:
        market_register(
            name=MARKET, adapter="lamplight", address=deployment.exchange, start_block=deployment.start_block,
            config={"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": 1}},
            tick_size="0.01", lot_size="0.0001", base_symbol="BTC",
        )  # fmt: skip
        for number in range(MAKERS):
            name = f"real maker {number}"
            maker = maker_enrol(
                by=SET_UP, slug=f"maker-{number}", name=name.title(), addresses=[address_of(name)], since_ms=0
            )
            maker_payouts_set(by=SET_UP, maker=maker, shares=[(address_of(f"{name} account"), 1_000_000)], since_ms=0)
        program = program_create(
            slug=SLUG, name="Bitstamp, half an hour", chain_id=CHAIN_ID, distributor=deployment.distributor,
            token=deployment.token, token_symbol="LAMP",  # noqa: S106 - a currency's symbol
            start_block=deployment.start_block,
        )  # fmt: skip
        epoch_schedule(
            program=program,
            terms=terms(token=deployment.token, start_ms=self.first_s * 1000, end_ms=(self.last_s + 1) * 1000),
        )
        return program

    def _write(self, deployment: Deployment) -> None:
        began = time.monotonic()
        sequencer = Sequencer(chain=self.chain, exchange=deployment.exchange, account=self.chain.accounts[SEQUENCER])
        written = sequencer.write(self._blocks)
        left_out = "; ".join(f"{count:,} {reason}" for reason, count in self.replay.left_out.most_common())
        self.say(
            f"{self.replay.used:,} recorded events are {written:,} operations in {len(self._blocks):,} blocks "
            f"({time.monotonic() - began:.0f} s). Left out: {left_out or 'none'}."
        )
        self.now_s = self.last_s
        for _ in range(5):
            self._tick()

    def _tick(self, *, by_s: int = 1) -> None:
        self.now_s += by_s
        self.chain.mine(time_s=self.now_s)

    def _wait(self, program: Program, state: Epoch.State) -> Epoch:
        began = time.monotonic()
        while True:
            epoch = program.epochs.get(number=1)
            if epoch.state == state:
                return epoch
            if time.monotonic() - began > PATIENCE_S:
                raise TooSlowError(
                    what=f"the epoch to be {state.label.lower()}", waited_s=PATIENCE_S, look_at="the logs"
                )
            self.poke()
            self._tick(by_s=20)

    def _verify(self, epoch: Epoch) -> None:
        bundle = Path(settings.EVIDENCE_DIR) / epoch.evidence_name
        done = subprocess.run(  # noqa: S603 - our own program, arguments of our own
            [sys.executable, "-m", "rewards.engine", "verify", str(bundle)], capture_output=True, text=True,
            check=False, cwd=settings.BASE_DIR,
        )  # fmt: skip
        if done.returncode != 0 or epoch.root not in done.stdout:
            raise VerificationError(bundle=str(bundle), said=(done.stdout + done.stderr).strip())
        self.say("A process of its own, with no database or chain, reached the same root from the evidence.")

    def _approve(self, epoch: Epoch) -> None:
        began = time.monotonic()
        while not approval_is_safe(epoch=epoch) or put_forward(epoch) is None:
            if time.monotonic() - began > PATIENCE_S:
                raise TooSlowError(what="the checks before the approval", waited_s=PATIENCE_S, look_at="the logs")
            self.poke()
            self._tick()
        client = rpc_client()
        try:
            approve_with_local_node(client, epoch=epoch, by=stand_in_treasurer())
        finally:
            client.close()
        self._tick()

    def _collect(self, program: Program, epoch: Epoch, *, token: str) -> dict[str, int]:
        owed = dict(Entitlement.objects.filter(epoch=epoch, increment__gt=0).values_list("account", "cumulative"))
        for account in owed:
            claim_request(program=program, account=account)
        began = time.monotonic()
        while (balances := self._balances(token, owed)) != owed:
            if time.monotonic() - began > PATIENCE_S:
                raise TooSlowError(what="the claims to be paid", waited_s=PATIENCE_S, look_at="the logs")
            self.poke()
            self._tick()
        self.say(f"{len(owed)} accounts have collected {sum(owed.values()) / 10**18:,.2f} LAMP; their balances agree.")
        return balances

    def _balances(self, token: str, accounts: dict[str, int]) -> dict[str, int]:
        return {
            account: self.chain.read_int(name="reward_token", to=token, function="balanceOf", args=[account])
            for account in accounts
        }
