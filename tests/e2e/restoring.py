"""A service that is backed up in the middle, and the one that is restored from it, as programs on one chain.

    python tests/e2e/restoring.py original DATA_DIR BACKUPS          makes the chain, scores epoch 1, backs up, scores 2
    python tests/e2e/restoring.py restored DATA_DIR BACKUP CHAIN     restores on an empty machine and goes on to epoch 2

Each prints a line of JSON with what came out. The first keeps its chain up until its stdin ends. No process of the
service runs: the tasks are called one after the other, which is what worker and beat do, and costs less.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FIRST_S = 1_795_010_400
"""When epoch 1 begins: Wednesday 2026-11-18, 14:00 UTC."""
EPOCH_S = (600, 3_600)
DELAY_S = 20
PATIENCE_S = 300.0
FINAL_AFTER = 100
"""The last blocks of an epoch are final after fewer blocks than that."""
MARKET, SLUG = "AAPL-PERP", "perps"
BUDGET = 1_000 * 10**18
MAKERS = ("alice", "bob")


def main(words: list[str]) -> int:
    """Be one of the two."""
    os.environ |= {"LAMPLIGHT_DATA_DIR": words[1], "DJANGO_SETTINGS_MODULE": "config.settings.local",
                   "REVIEW_HOURS": "0", "LOG_LEVEL": "WARNING"}  # fmt: skip
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    if words[0] == "restored":
        from config.embedded.chain import test_key

        os.environ |= {"RPC_URLS": words[3], "PROPOSER_KEY": test_key("proposer")}
    else:
        _free_port(Path(words[1]))
    import django

    django.setup()
    {"original": _original, "restored": _restored}[words[0]](*map(Path, words[1:3]))
    return 0


# --- the two ------------------------------------------------------------------------------------------------------


def _original(root: Path, backups: Path) -> None:
    from django.core.management import call_command

    from config import embedded
    from rewards.demo import stage
    from rewards.demo.chain import LocalChain, Sequencer
    from rewards.demo.node import Node

    url = stage.set_up(chain_start_s=FIRST_S - 2 * stage.SETUP_S)
    try:
        call_command("migrate", verbosity=0)
        with Node(url=url) as connection:
            chain = LocalChain(node=connection)
            chain.take_over()
            made = stage.deploy(chain=chain, first_s=FIRST_S, markets=(MARKET,), delay_s=DELAY_S)
            _rows(made)
            sequencer = Sequencer(chain=chain, exchange=made.exchange, account=chain.accounts[stage.SEQUENCER])
            sequencer.write(_quotes(FIRST_S, EPOCH_S[0], seed=3))
            _approve_first(chain)
            second_s = chain.head()[1] + 1
            sequencer.write(_quotes(second_s, 600, seed=5))
            _index()
            call_command("backup", str(backups))
            sequencer.write(_quotes(second_s + 600, FIRST_S + sum(EPOCH_S) - second_s - 600, seed=7))
            # Not proposed: this machine is lost before it could.
            _say(_scored_alone(chain), chain=url, backup=str(next(backups.iterdir())), first=_epoch(1).state)
        sys.stdin.read()
    finally:
        embedded.stop_chain(root)


def _restored(root: Path, backup: Path) -> None:
    from django.conf import settings
    from django.core.management import call_command

    from config import embedded
    from rewards.demo.chain import LocalChain
    from rewards.demo.node import Node

    embedded.use(root, with_chain=False)
    call_command("restore", str(backup))
    states = {number: _epoch(number).state for number in (1, 2)}
    with Node(url=settings.RPC_URLS[0]) as connection:
        chain = LocalChain(node=connection)
        epoch = _until(chain, lambda: _epoch(2) if _epoch(2).state == "proposed" else None)
        raw = chain.read(name="rewards_distributor", to=epoch.program.distributor, function="epoch_info", args=[2])
    _say(epoch, states=states, first=_epoch(1).state, on_chain=bytes.fromhex(epoch.root[2:]) in raw)


# --- what both do ---------------------------------------------------------------------------------------------------


def _say(epoch: Any, **more: Any) -> None:
    leaves = dict(epoch.entitlements.order_by("account").values_list("account", "cumulative"))
    paid = {"root": epoch.root, "paid": epoch.paid_total, "leaves": leaves}
    print(json.dumps(paid | more, default=str), flush=True)


def _epoch(number: int) -> Any:
    from rewards.models import Epoch

    return Epoch.objects.select_related("program").get(number=number)


def _index() -> None:
    from onchain.indexer import follow, node

    client = node()
    try:
        follow(client)
    finally:
        client.close()


def _poke() -> None:
    from rewards import tasks

    _index()
    for task in (tasks.watch_distributor, tasks.advance_epochs, tasks.review_epochs):
        task()


def _tick(chain: Any) -> None:
    chain.mine(time_s=chain.head()[1] + 2)


def _until(chain: Any, found: Callable[[], Any]) -> Any:
    began = time.monotonic()
    while (result := found()) is None:
        if time.monotonic() - began > PATIENCE_S:
            sys.exit(f"It took too long. Epochs: {[(_epoch(each).state, _epoch(each).note) for each in (1, 2)]}")
        _poke()
        _tick(chain)
    return result


def _scored_alone(chain: Any) -> Any:
    from django.utils import timezone

    from rewards.errors import NotYetError
    from rewards.services.programs import epochs_begin
    from rewards.services.scoring import epoch_score_if_due

    epochs_begin(now_ms=(FIRST_S + sum(EPOCH_S)) * 1000)
    for _ in range(FINAL_AFTER):
        _tick(chain)
        _index()
        try:
            return epoch_score_if_due(epoch_id=_epoch(2).pk, now=timezone.now())
        except NotYetError:
            continue
    sys.exit("Epoch 2 could not be scored.")


def _approve_first(chain: Any) -> None:
    """Bring epoch 1 as far as its approval: on the chain, not paying yet."""
    from onchain.indexer import node
    from rewards.demo.programme import stand_in_treasurer
    from rewards.demo.reviewer import put_forward
    from rewards.services.approval import approve_with_local_node
    from rewards.services.checks import approval_is_safe

    _tick(chain)
    epoch = _until(chain, lambda: _epoch(1) if _epoch(1).state == "proposed" else None)
    _until(chain, lambda: True if approval_is_safe(epoch=epoch) and put_forward(epoch) is not None else None)
    client = node()
    try:
        approve_with_local_node(client, epoch=_epoch(1), by=stand_in_treasurer())
    finally:
        client.close()
    _until(chain, lambda: True if _epoch(1).state == "approved" else None)


def _rows(made: Any) -> None:
    from accounts.services import maker_enrol, maker_payouts_set
    from config.embedded.chain import CHAIN_ID
    from onchain.services import market_register
    from rewards.demo.makers import address_of
    from rewards.demo.programme import SET_UP
    from rewards.services.programs import epoch_schedule, program_create

    market_register(
        name=MARKET, adapter="lamplight", address=made.exchange, start_block=made.start_block,
        config={"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": 1}},
        tick_size="0.01", lot_size="1", base_symbol="AAPL",
    )  # fmt: skip
    for name in MAKERS:
        maker = maker_enrol(by=SET_UP, slug=name, name=name.title(), addresses=[address_of(name)], since_ms=0)
        maker_payouts_set(by=SET_UP, maker=maker, shares=[(address_of(f"{name} pay"), 1_000_000)], since_ms=0)
    program = program_create(
        slug=SLUG, name="Equity perpetuals", chain_id=CHAIN_ID, distributor=made.distributor, token=made.token,
        token_symbol="LAMP", start_block=made.start_block,
    )  # fmt: skip
    start_s = FIRST_S
    for number, length_s in enumerate(EPOCH_S, start=1):
        epoch_schedule(program=program, terms=_terms(number, made.token, start_s, start_s + length_s))
        start_s += length_s


def _terms(number: int, token: str, start_s: int, end_s: int) -> bytes:
    from rewards.demo.realflow import KINDS, terms

    document = json.loads(terms(token=token, start_ms=start_s * 1000, end_ms=end_s * 1000))
    (market,) = document["markets"].values()
    market |= {"max_spread_bps": dict.fromkeys(KINDS, 200), "target_lots": 200, "reference_depth_lots": 50}
    document |= {"program": SLUG, "budget": str(BUDGET), "markets": {MARKET: market}}
    document["epoch"]["number"] = number
    return json.dumps(document).encode()


def _quotes(start_s: int, length_s: int, *, seed: int) -> list[Any]:
    """Return blocks in which each maker puts its two quotes anew, sizes and distances by a rule of small numbers."""
    from rewards.demo.exchange import Block, Kind, Op
    from rewards.demo.makers import address_of

    blocks = []
    for turn, time_s in enumerate(range(start_s, start_s + length_s, 15)):
        who = turn % len(MAKERS)
        ops = []
        for side in (0, 1):
            order = start_s * 100 + turn * 2 + side
            away, size = 20 + (turn * seed) % 60, 40 + (turn * seed * (who + 2)) % 150
            ops.append(
                Op(Kind.PLACE, 1, order, address_of(MAKERS[who]), side == 0, 10_000 + away * (2 * side - 1), size)
            )
            if turn >= len(MAKERS):
                ops.append(Op(Kind.CANCEL, 1, order - 2 * len(MAKERS)))
        blocks.append(Block(time_s, tuple(ops)))
    return blocks


def _free_port(root: Path) -> None:
    from config.embedded.layout import free_port, run_dir

    (run_dir(root) / "chain-port").write_text(str(free_port()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
