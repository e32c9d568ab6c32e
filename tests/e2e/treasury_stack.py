"""A whole service whose treasury is a 2-of-3 Safe, as a program: says where everything is, and runs until stdin ends.

    python tests/e2e/treasury_stack.py DATA_DIR

Embedded PostgreSQL and anvil of its own in DATA_DIR, then web server, worker and beat. There is a programme without
terms, two makers, and people with PASSWORD; everything else is left to whoever uses the pages and the chain.
"""

import json
import os
import sys
from pathlib import Path

FIRST_S = 1_795_010_400
"""When the first epoch is to begin: Wednesday 2026-11-18, 14:00 UTC, 09:00 in New York."""
DELAY_S = 600
REVIEW_HOURS = 2
PASSWORD = "lamps-burn-all-night"
PEOPLE = {"tess": "treasurer", "rui": "reviewer", "opal": "operator", "ben": "maker"}


def main(data_dir: str) -> int:
    """Set everything up, print one line of JSON, and wait for the end of stdin."""
    root = Path(data_dir)
    os.environ |= {
        "LAMPLIGHT_DATA_DIR": data_dir,
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "REVIEW_HOURS": str(REVIEW_HOURS),
    }
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    _free_port(root)
    import django

    django.setup()
    _serve(root)
    return 0


def _serve(root: Path) -> None:
    from django.core.management import call_command

    from config import embedded
    from config.embedded import Supervisor
    from rewards.demo import stage

    url = stage.set_up(chain_start_s=FIRST_S - 2 * stage.SETUP_S)
    try:
        call_command("migrate", verbosity=0)
        where = _contracts(url)
        _rows(where)
        # Until a block is read, pages take this machine's clock for the chain's, and what lies ahead there may be past.
        _index()
        with Supervisor(root, env={"SAFE_MULTI_SEND": where["multi_send"]}) as supervisor:
            supervisor.start("web", "worker", "beat")
            print(json.dumps(where | {"url": supervisor.url, "chain": url}), flush=True)
            sys.stdin.read()
    finally:
        embedded.stop_chain(root)
        embedded.stop_left_over(root)


def _contracts(url: str) -> dict[str, str]:
    """Put the contracts on the chain, and hand the treasury's role and money to a Safe of three owners."""
    from rewards.demo.chain import LocalChain
    from rewards.demo.node import Node
    from rewards.demo.stage import TREASURY, TREASURY_MONEY, deploy
    from tests.chain import Anvil, calldata
    from tests.e2e.safe_owners import OWNERS, executed
    from tests.safe_contracts import safe_kit

    with Node(url=url) as connection:
        chain = LocalChain(node=connection)
        chain.take_over()
        made = deploy(chain=chain, first_s=FIRST_S, markets=("AAPL-PERP",), delay_s=DELAY_S)
        anvil = Anvil(url=url, accounts=chain.accounts)
    kit = safe_kit(anvil)
    safe = kit.make([owner.address for owner in OWNERS], 2)
    offer = calldata("offer_treasury(address)", ("address",), (safe,))
    move = calldata("transfer(address,uint256)", ("address", "uint256"), (safe, TREASURY_MONEY))
    anvil.send(data=offer, to=made.distributor, sender=TREASURY)
    anvil.send(data=move, to=made.token, sender=TREASURY)
    anvil.send(data=executed(safe, to=made.distributor, data=calldata("accept_treasury()")), to=safe)
    anvil.mine()
    return {
        "exchange": made.exchange, "token": made.token, "distributor": made.distributor, "safe": safe,
        "multi_send": kit.multi_send, "start_block": str(made.start_block),
    }  # fmt: skip


def _rows(where: dict[str, str]) -> None:
    """Register the market, two makers, the programme and its people."""
    from accounts.models import Maker, User
    from accounts.services import maker_enrol, maker_payouts_set
    from config.embedded.chain import CHAIN_ID
    from onchain.services import market_register
    from rewards.demo.makers import address_of
    from rewards.demo.programme import SET_UP
    from rewards.services.programs import program_create

    start_block = int(where["start_block"])
    market_register(
        name="AAPL-PERP", adapter="lamplight", address=where["exchange"], start_block=start_block,
        config={"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": 1}},
        tick_size="0.01", lot_size="1", base_symbol="AAPL",
    )  # fmt: skip
    for name in ("alice", "bob"):
        maker = maker_enrol(
            by=SET_UP, slug=name, name=f"{name.title()} Quotes", addresses=[address_of(name)], since_ms=0
        )
        maker_payouts_set(by=SET_UP, maker=maker, shares=[(address_of(f"{name} pay"), 1_000_000)], since_ms=0)
    program_create(
        slug="perps", name="Equity perpetuals", chain_id=CHAIN_ID, distributor=where["distributor"],
        token=where["token"], token_symbol="LAMP", start_block=start_block,
    )  # fmt: skip
    for name, role in PEOPLE.items():
        User.objects.create_user(username=name, password=PASSWORD, role=role)
    Maker.objects.get(slug="bob").members.add(User.objects.get(username="ben"))


def _index() -> None:
    from onchain.indexer import follow, node

    client = node()
    try:
        follow(client)
    finally:
        client.close()


def _free_port(root: Path) -> None:
    from config.embedded.layout import free_port, run_dir

    (run_dir(root) / "chain-port").write_text(str(free_port()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
