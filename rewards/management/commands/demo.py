"""`manage.py demo`: the whole way on this machine, from quotes on a chain to money in a wallet, then a live market."""

import os
import sys
import webbrowser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.embedded import EmbeddedError, Supervisor, stop_on_signals
from rewards.demo import programme, stage
from rewards.demo.attestor import Attestor
from rewards.demo.chain import LocalChain, Sequencer
from rewards.demo.errors import DemoError
from rewards.demo.flow import Flow
from rewards.demo.market import Burst
from rewards.demo.node import Node
from rewards.demo.story import Story, is_ready
from rewards.demo.terminal import Terminal


class Command(BaseCommand):
    """Tell the story, then keep the market live until Ctrl-C."""

    help = "Run the whole way on this machine with a made-up exchange, then keep it live until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options; without any it is the full demo."""
        parser.add_argument("--seed", type=int, default=7, help="another number makes another market")
        parser.add_argument("--small", action="store_true", help="two days instead of two weeks: a quick one")
        parser.add_argument("--port", type=int, default=8000, help="port of the pages; the next free one if taken")
        parser.add_argument("--exit-when-ready", action="store_true", help="stop as soon as everything is there to see")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until Ctrl-C; whatever was started is stopped."""
        stop_on_signals()
        terminal = Terminal(out=sys.stdout)
        try:
            self._run(terminal, options)
        except (DemoError, EmbeddedError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            terminal.text("\nStopping what was started…")

    def _run(self, terminal: Terminal, options: dict[str, Any]) -> None:
        terminal.text(
            "Lamplight's demo: a made-up exchange on a real chain. Quotes become scores, an approved root, "
            "a claimed reward."
        )
        plan = programme.SMALL if options["small"] else programme.FULL
        url = stage.set_up(chain_start_s=plan.first_s - 2 * stage.SETUP_S)
        call_command("migrate", verbosity=0)
        terminal.say(f"PostgreSQL 18 and the chain are up ({url}); the tables are made.")
        with Node(url=url) as connection:
            chain = LocalChain(node=connection)
            chain.take_over()
            deployment = stage.deploy(chain=chain, first_s=plan.first_s, delay_s=plan.delay_s, attested=True)
            burst = Burst(start_s=plan.first_s + plan.burst_after_s)
            flow = Flow(seed=options["seed"], start_s=plan.first_s, burst=burst)
            program = programme.register(deployment=deployment, makers=flow.makers, plan=plan)
            logins = programme.make_people(makers=flow.makers)
            terminal.say(
                "Exchange, token and distributor are deployed; seven makers are enrolled, three epochs scheduled."
            )
            with (
                Attestor(program=program, rpc_url=url, log=settings.DATA_DIR / "logs" / "attestor.log") as attestor,
                Supervisor(settings.DATA_DIR, env=environment(), web_port=options["port"]) as supervisor,
            ):
                supervisor.start("web", "worker", "beat", "figures")
                terminal.say(f"The pages are up and fill while you watch: {supervisor.url}")
                story = Story(
                    chain=chain,
                    sequencer=Sequencer(
                        chain=chain, exchange=deployment.exchange, account=chain.accounts[stage.SEQUENCER]
                    ),
                    program=program,
                    flow=flow,
                    supervisor=supervisor,
                    terminal=terminal,
                    attestor=attestor,
                    plan=plan,
                    now_s=plan.first_s - 1,
                )
                self._play(story, logins, exit_when_ready=options["exit_when_ready"])

    def _play(self, story: Story, logins: list[programme.Login], *, exit_when_ready: bool) -> None:
        terminal, plan = story.terminal, story.plan
        unit, unit_s = plan.unit.lower(), plan.length_s
        people = story.approve_when_proposed(1)
        story.write_until(until_s=plan.first_s + unit_s, text=f"{plan.unit} 1 on the chain")
        story.write_until(until_s=plan.first_s + 2 * unit_s, text=f"{plan.unit} 2 on the chain", between=people)
        terminal.say(f"Both {unit}s are on the chain; it is Friday evening in New York, and the market is live now.")
        story.wait(
            f"{unit} 1 paid in part, {unit} 2 proposed, {unit} 3 live",
            lambda: is_ready(story.program),
            # Seconds on a free machine. On a busy one it is still better to wait than to lose what is there.
            within_s=1800,
            between=people,
        )
        terminal.say("Ready.")
        self._introduce(story, logins)
        if exit_when_ready:
            return
        if _has_screen():
            webbrowser.open(story.supervisor.url)
        while True:
            story.live_second()

    def _introduce(self, story: Story, logins: list[programme.Login]) -> None:
        terminal, base = story.terminal, story.supervisor.url
        terminal.text()
        terminal.table([(name, value) for name, value in story.facts().items()])
        terminal.text(f"\n  Open {base}\n")
        terminal.text(f"  {story.plan.unit} 2 waits for you: sign in as treasurer at {base}sign-in/ and approve it.")
        terminal.text("  Rey, the reviewer, has put it forward; whoever puts an epoch forward can't approve it.")
        terminal.text(f"  The password of everybody in this demo is {programme.PASSWORD}\n")
        terminal.text(f"  E-mails with sign-in codes are not sent: {base}mail/ shows them.\n")
        terminal.table([("sign in as", "who that is", "start at")] + [
            (login.username, login.who, base + login.page) for login in logins
        ])  # fmt: skip
        terminal.text("\n  Ctrl-C stops everything that was started.")


def _has_screen() -> bool:
    """Tell whether a browser window can open: on Linux only where a display is named."""
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def environment() -> dict[str, str]:
    """Return what the demo's processes find in their environment."""
    return {
        "DEMO": "true", "DEMO_PASSWORD": programme.PASSWORD, "LAMPLIGHT_DATA_DIR": str(settings.DATA_DIR),
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
    }  # fmt: skip
