"""`manage.py sandbox`: a made-up market that a maker's bot trades in, with an account, a key and live scores."""

import sys
import urllib.request
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.embedded import EmbeddedError, Supervisor, stop_on_signals
from rewards.demo import programme, stage
from rewards.demo.chain import LocalChain, Sequencer
from rewards.demo.errors import DemoError
from rewards.demo.flow import Flow
from rewards.demo.node import Node
from rewards.demo.sandbox import Sandbox
from rewards.demo.terminal import Terminal
from rewards.demo.visitor import Visitor, welcome
from rewards.management.commands.demo import environment

FEWEST_EPOCHS = 24
FEWEST_MINUTES = 1_440
"""Epochs are scheduled for a day at least, and for a day's worth of hours when each is longer than one."""
START_MS = 1_795_014_000_000
"""Wednesday 2026-11-18, 15:00 UTC: an hour in which New York trades, whenever one comes."""


class Command(BaseCommand):
    """Set the market up, say how to trade in it, and keep it going until Ctrl-C."""

    help = "Run a made-up market that a bot of yours can quote in, with live scores and hourly pay, until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--seed", type=int, default=7, help="another number makes another market")
        parser.add_argument("--port", type=int, default=8000, help="port of the pages; the next free one if taken")
        parser.add_argument("--account", default="", help="your bot's account (0x…); without it, one is made")
        parser.add_argument("--minutes", type=int, default=60, help="how long an epoch lasts, 1 to 1440")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until Ctrl-C; whatever was started is stopped."""
        if not 1 <= options["minutes"] <= 1440:
            raise CommandError("An epoch lasts 1 to 1440 minutes: give --minutes such a number.")
        stop_on_signals()
        terminal = Terminal(out=sys.stdout)
        try:
            self._run(terminal, options)
        except (DemoError, EmbeddedError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            terminal.text("\nStopping what was started…")

    def _run(self, terminal: Terminal, options: dict[str, Any]) -> None:
        terminal.text("Lamplight's sandbox: a made-up market in which your bot may quote. Setting it up…")
        plan = programme.Plan(
            unit="Epoch", first_ms=START_MS, length_ms=options["minutes"] * 60_000, burst_after_s=0, delay_s=5
        )
        epochs = epochs_of(minutes=options["minutes"])
        url = stage.set_up(chain_start_s=plan.first_s - 2 * stage.SETUP_S)
        call_command("migrate", verbosity=0)
        with Node(url=url) as connection:
            chain = LocalChain(node=connection)
            chain.take_over()
            deployment = stage.deploy(chain=chain, first_s=plan.first_s, delay_s=plan.delay_s)
            flow = Flow(seed=options["seed"], start_s=plan.first_s)
            program = programme.register(deployment=deployment, makers=flow.makers, plan=plan, epochs=epochs)
            programme.make_people(makers=flow.makers)
            with Supervisor(settings.DATA_DIR, env=environment(), web_port=options["port"]) as supervisor:
                supervisor.start("web", "worker", "beat", "figures")
                visitor = welcome(chain=chain, account=options["account"], url=supervisor.url.rstrip("/"), rpc_url=url)
                visitor.save(settings.DATA_DIR / "sandbox.json")
                sequencer = Sequencer(
                    chain=chain, exchange=deployment.exchange, account=chain.accounts[stage.SEQUENCER]
                )
                sandbox = Sandbox(
                    chain=chain, exchange=deployment.exchange, sequencer=sequencer, flow=flow, program=program,
                    now_s=plan.first_s - 1,
                )  # fmt: skip
                hours = epochs * options["minutes"] // 60
                self._keep_going(terminal, sandbox, supervisor, visitor, hours=hours)

    def _keep_going(
        self, terminal: Terminal, sandbox: Sandbox, supervisor: Supervisor, visitor: Visitor, *, hours: int
    ) -> None:
        is_introduced = False
        while True:
            sandbox.second()
            for name in supervisor.watch():
                terminal.say(f"{name} stopped; it is started again (its log: logs/{name}.log).")
            if not is_introduced and sandbox.is_live() and _answers(visitor.url):
                _introduce(terminal, visitor, hours=hours)
                is_introduced = True


def epochs_of(*, minutes: int) -> int:
    """Return how many epochs of so many minutes are scheduled: a day of them, and 24 at least."""
    return max(FEWEST_EPOCHS, -(-FEWEST_MINUTES // minutes))


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5):  # noqa: S310 - loopback
            return True
    except OSError:
        return False


def _introduce(terminal: Terminal, visitor: Visitor, *, hours: int) -> None:
    terminal.text(f"\n  The market is live. You are the maker “{visitor.maker}”, quoting from {visitor.account}.\n")
    for name, value in visitor.environment().items():
        terminal.text(f"  export {name}={value or 'YOUR_KEY'}")
    terminal.text("\n  In another terminal, with these set:\n")
    terminal.text("  pip install ./clients/python web3 && python clients/python/examples/quoting_bot.py\n")
    terminal.text(f"  Your scorecard: {visitor.url}/makers/{visitor.maker}/  (sign in as {visitor.maker}, password")
    terminal.text(f"  {programme.PASSWORD}). The account and its money exist on this machine's chain alone.")
    terminal.text(f"\n  Quotes are scored for {hours} hours; start it anew after that.")
    terminal.text("  Ctrl-C stops everything that was started.")
