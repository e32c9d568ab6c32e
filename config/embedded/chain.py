"""The embedded chain: anvil, from the npm package, on a loopback port that is found once and kept."""

import json
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from config.embedded import processes
from config.embedded.errors import EmbeddedError
from config.embedded.layout import free_port, locked, run_dir

CHAIN_ID = 31337
PREFERRED_PORT = 8545
TEST_MNEMONIC = "test test test test test test test test test test test junk"
"""Anvil's own, known to everybody: accounts 0 to 9 are funded and unlocked on the embedded chain only."""
ACCOUNTS = ("deployer", "treasury", "proposer", "guardian", "relayer", "sequencer", "attestor", "taker")
"""What the first accounts of that mnemonic are used for, in order."""
ARGS = (
    # finality two blocks behind the head instead of 64
    "--slots-in-an-epoch", "1",
    # transactions keep the order in which they were sent
    "--order", "fifo",
    # room for batches of orders, and for the week of history that the demo sends
    "--gas-limit", "1000000000",
    "--no-request-size-limit",
    "--silent",
)  # fmt: skip


def rpc_url(root: Path) -> str:
    """Return the URL of the embedded chain; its port is chosen once per data directory (8545 if free)."""
    path = run_dir(root) / "chain-port"
    with locked(root, "chain-port"):
        if not path.exists():
            path.write_text(str(free_port(PREFERRED_PORT)))
        return f"http://127.0.0.1:{int(path.read_text())}"


def ensure_chain(root: Path, *, extra: Sequence[str] = (), timeout_s: float = 30.0) -> str:
    """Start anvil for `root` unless it runs, wait until it answers, and return its URL.

    Raises EmbeddedError when anvil is not installed or its port has been taken by something else.
    """
    with locked(root, "chain"):
        url = rpc_url(root)
        if processes.load(root, name="chain") is not None:
            return url
        if chain_id(url) is not None or not _port_is_free(url):
            raise EmbeddedError(
                f"Something that Lamplight did not start listens at {url}. Stop it, or set RPC_URLS={url} to use it, "
                f"or delete {run_dir(root) / 'chain-port'} to let Lamplight choose another port."
            )
        port = int(url.rsplit(":", 1)[1])
        argv = [str(_anvil()), "--port", str(port), "--chain-id", str(CHAIN_ID), *ARGS, *extra]
        process = processes.spawn(root, name="chain", argv=argv, port=port)
        deadline = time.monotonic() + timeout_s
        while chain_id(url) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                processes.stop(root, name="chain")
                raise EmbeddedError(
                    f"The local chain (anvil) did not start on port {port}: {processes.tail(root, name='chain')}"
                )
            time.sleep(0.05)
        return url


def stop_chain(root: Path) -> bool:
    """Stop the anvil that was started for `root`; returns whether it ran."""
    with locked(root, "chain"):
        return processes.stop(root, name="chain")


def chain_id(url: str, *, timeout_s: float = 2.0) -> int | None:
    """Return the chain id that a node at `url` gives, or None when none answers in time."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310 - loopback
            return int(json.load(answer)["result"], 16)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def test_key(account: str) -> str:
    """Return the private key of one of ACCOUNTS as 0x hex; of use on a local test chain only."""
    from eth_account import Account
    from eth_account.hdaccount import ETHEREUM_DEFAULT_PATH

    Account.enable_unaudited_hdwallet_features()
    path = ETHEREUM_DEFAULT_PATH.rsplit("/", 1)[0] + f"/{ACCOUNTS.index(account)}"
    return "0x" + bytes(Account.from_mnemonic(TEST_MNEMONIC, account_path=path).key).hex()


def _port_is_free(url: str) -> bool:
    port = int(url.rsplit(":", 1)[1])
    return free_port(port) == port


def _anvil() -> Path:
    """Find the anvil program itself: the npm launcher would be one more process to stop."""
    base = Path(__file__).resolve().parent.parent.parent
    found = sorted((base / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil*"))
    candidates = [Path(os.environ["ANVIL"])] if os.environ.get("ANVIL") else found
    if not candidates and (on_path := shutil.which("anvil")):
        candidates = [Path(on_path)]
    if not candidates or not candidates[0].exists():
        raise EmbeddedError(
            "The local chain (anvil) is not installed. Run `npm ci` in the project's folder, or set RPC_URLS to a node."
        )
    return candidates[0]
