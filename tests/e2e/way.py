"""The whole way once, with real worker and beat processes, as a program: prints what came out as one JSON line.

    python tests/e2e/way.py DATA_DIR [FAILPOINTS]

Runs on embedded services of its own in DATA_DIR; FAILPOINTS (config/failpoints.py) kill the worker on the way.
"""

import json
import os
import sys
import time
from pathlib import Path

EVENTS = 3_000


def main(data_dir: str, armed: str) -> int:
    """Run the way; the last line printed is the outcome."""
    os.environ["LAMPLIGHT_DATA_DIR"] = data_dir
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.local"
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    _free_port(Path(data_dir))
    import django

    django.setup()
    print(json.dumps(_way(Path(data_dir), armed)))
    return 0


def _way(root: Path, armed: str) -> dict[str, object]:
    from django.core.management import call_command

    from config.embedded import Supervisor
    from rewards.demo import stage
    from rewards.demo.chain import LocalChain
    from rewards.demo.node import Node
    from rewards.demo.realflow import RealFlow
    from rewards.demo.recording import order_rows, sample_folder

    fired = root / "failpoints"
    fired.mkdir(parents=True, exist_ok=True)
    first_s = next(order_rows(folder=sample_folder(), most=1)).time_ms // 1000
    url = stage.set_up(chain_start_s=first_s - 2 * stage.SETUP_S)
    call_command("migrate", verbosity=0)
    env = {"LAMPLIGHT_FAILPOINTS": armed, "LAMPLIGHT_FAILPOINTS_DIR": str(fired)}
    deaths: list[str] = []
    with Node(url=url) as connection, Supervisor(root, env=env) as supervisor:
        chain = LocalChain(node=connection)
        chain.take_over()
        supervisor.start("worker", "beat")

        def poke() -> None:
            deaths.extend(supervisor.watch())
            time.sleep(0.3)

        outcome = RealFlow(chain=chain, poke=poke, say=lambda text: print(text, file=sys.stderr), events=EVENTS).run()
    return {
        "root": outcome.root,
        "paid": outcome.paid,
        "balances": outcome.balances,
        "deaths": deaths,
        "fired": sorted(path.name for path in fired.iterdir()),
        **_counts(),
    }


def _free_port(root: Path) -> None:
    from config.embedded.layout import free_port, run_dir

    (run_dir(root) / "chain-port").write_text(str(free_port()))


def _counts() -> dict[str, object]:
    from onchain.models import MarketEvent, OutgoingTransaction, RawLog
    from rewards.models import Epoch

    return {
        "events": MarketEvent.objects.count(),
        "logs": RawLog.objects.exclude(address=Epoch.objects.get().program.distributor).count(),
        "epochs": list(Epoch.objects.values_list("number", "state")),
        "purposes": sorted(
            purpose.split()[0] for purpose in OutgoingTransaction.objects.values_list("purpose", flat=True)
        ),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""))
