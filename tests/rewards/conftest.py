"""A programme on a real chain: exchange, token, distributor, two makers, and the treasury's own account."""

import io
import subprocess
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

import pytest

from accounts.services import maker_enrol, maker_payouts_set
from config import embedded
from onchain.indexer import follow, node
from onchain.services import market_register
from rewards.engine.__main__ import main as engine
from rewards.models import Program
from rewards.services.programs import program_create
from tests.chain import Anvil, Exchange, calldata
from tests.operators import OPERATOR

DEPLOYER, TREASURY, PROPOSER, GUARDIAN, RELAYER = range(5)
ALICE, BOB = "0x" + "a" * 40, "0x" + "b" * 40
ALICE_PAY, ALICE_LP, BOB_PAY = ("0x" + digit * 40 for digit in "123")
DELAY_S = 600


@dataclass
class House:
    """Everything that one epoch needs from quote to claim."""

    anvil: Anvil
    exchange: Exchange
    token: str
    distributor: str
    program: Program

    def index(self) -> None:
        client = node()
        try:
            follow(client)
        finally:
            client.close()

    def balance(self, account: str) -> int:
        answer = self.anvil.call(to=self.token, signature="balanceOf(address)", types=("address",), values=(account,))
        return int(answer, 16)

    def treasury_sends(self, *, to: str, data: str) -> str:
        return self.anvil.send(data=data, to=to, sender=TREASURY)


@pytest.fixture
def house(exchange, settings, tmp_path) -> House:
    settings.EVIDENCE_DIR = tmp_path / "evidence"
    settings.SIGNERS = hot_keys(settings.SIGNERS)
    return build_house(exchange)


def hot_keys(signers: dict[str, Any]) -> dict[str, Any]:
    """The setting SIGNERS with the embedded chain's proposer and relayer."""
    return signers | {role: {"key": embedded.test_key(role.lower())} for role in ("PROPOSER", "RELAYER")}


def build_house(exchange: Exchange) -> House:
    """Deploy the contracts and enrol the makers; the settings have the hot keys already."""
    anvil = exchange.anvil
    token = anvil.deploy("reward_token", *_token_arguments())
    mint = calldata("mint(address,uint256)", ("address", "uint256"), (anvil.accounts[TREASURY], 10**9))
    anvil.send(data=mint, to=token)
    roles = [anvil.accounts[number] for number in (TREASURY, PROPOSER, GUARDIAN)]
    distributor = anvil.deploy(
        "rewards_distributor",
        ("address", "address", "address", "address[]", "uint256", "uint256", "address"),
        (*roles, [], 0, DELAY_S, token),
    )
    market_register(
        name="AAPL-PERP", adapter="lamplight", address=exchange.address, start_block=exchange.start_block,
        config={"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": 1}},
        tick_size="0.01", lot_size="0.1", base_symbol="AAPL",
    )  # fmt: skip
    alice = maker_enrol(by=OPERATOR, slug="alice", name="Alice Quotes", addresses=[ALICE], since_ms=0)
    bob = maker_enrol(by=OPERATOR, slug="bob", name="Bob Quotes", addresses=[BOB], since_ms=0)
    maker_payouts_set(by=OPERATOR, maker=alice, shares=[(ALICE_PAY, 700_000), (ALICE_LP, 300_000)], since_ms=0)
    maker_payouts_set(by=OPERATOR, maker=bob, shares=[(BOB_PAY, 1_000_000)], since_ms=0)
    program = program_create(
        slug="perps", name="Perps", chain_id=31337, distributor=distributor, token=token, token_symbol="LAMP",
        start_block=exchange.start_block,
    )  # fmt: skip
    return House(anvil=anvil, exchange=exchange, token=token, distributor=distributor, program=program)


REAL_RUN = subprocess.run


@pytest.fixture
def one_process(monkeypatch) -> None:
    """The engine's `verify` runs here instead of in a process of its own: the same code, without starting Python."""
    verify_here(monkeypatch)


def verify_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have it do so until the patch is undone."""

    def run(argv: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        if list(argv[1:3]) != ["-m", "rewards.engine"]:
            return REAL_RUN(argv, **options)
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = engine(argv[3:])
        return subprocess.CompletedProcess(argv, status, out.getvalue(), err.getvalue())

    monkeypatch.setattr(subprocess, "run", run)


def _token_arguments() -> tuple[tuple[str, ...], tuple[object, ...]]:
    return ("string", "string"), ("Lamp", "LAMP")


__all__ = ["ALICE", "ALICE_LP", "ALICE_PAY", "BOB", "BOB_PAY", "DELAY_S", "TREASURY", "House"]
