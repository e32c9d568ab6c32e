"""The lies and failures themselves: each makes a Fault that touches a few requests, chosen by a seeded die."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

from tests.faults.proxy import Call, Fault, Reply

Change = Callable[[random.Random, Call, dict[str, Any]], bool]
"""Changes one answer in place; returns whether it did."""


def each_answer(change: Change, *, seed: int, times: int, method: str) -> Fault:
    """Change the answers to `method`, one a request, until it has been done `times` times."""
    dice, left = random.Random(seed), [times]

    def fault(calls: list[Call], answers: list[dict[str, Any]]) -> None:
        by_id = {answer.get("id"): answer for answer in answers}
        wanted = [call for call in calls if call["method"] == method]
        dice.shuffle(wanted)
        for call in wanted:
            if left[0] and change(dice, call, by_id[call["id"]]):
                left[0] -= 1
                return

    return fault


def each_request(make: Callable[[random.Random, list[Call]], Reply | None], *, seed: int, times: int) -> Fault:
    """Answer whole requests otherwise, from one of the first on, until it has been done `times` times."""
    dice, left, spared = random.Random(seed), [times], [seed % 4]

    def fault(calls: list[Call], _answers: list[dict[str, Any]]) -> Reply | None:
        if not left[0]:
            return None
        if spared[0]:
            spared[0] -= 1
            return None
        reply = make(dice, calls)
        left[0] -= reply is not None
        return reply

    return fault


# --- logs that are left out ---------------------------------------------------------------------------------------


def drop_one_log(dice: random.Random, _call: Call, answer: dict[str, Any]) -> bool:
    """Leave out a single log."""
    full = [receipt for receipt in answer.get("result") or [] if receipt["logs"]]
    if full:
        logs = dice.choice(full)["logs"]
        del logs[dice.randrange(len(logs))]
    return bool(full)


def drop_a_blocks_logs(_dice: random.Random, _call: Call, answer: dict[str, Any]) -> bool:
    """Leave out all logs of a block; the receipts stay."""
    full = [receipt for receipt in answer.get("result") or [] if receipt["logs"]]
    for receipt in full:
        receipt["logs"] = []
    return bool(full)


def empty(_dice: random.Random, _call: Call, answer: dict[str, Any]) -> bool:
    """Answer [], as a lagging node behind a balancer does."""
    if not answer.get("result"):
        return False
    answer["result"] = []
    return True


DROPS: tuple[Change, ...] = (drop_one_log, drop_a_blocks_logs, empty)

# --- blocks that are missing or wrong -------------------------------------------------------------------------------


def null(_dice: random.Random, _call: Call, answer: dict[str, Any]) -> bool:
    """Answer null for something that is there."""
    answer["result"] = None
    return True


def mismatched(dice: random.Random, _call: Call, answer: dict[str, Any]) -> bool:
    """Send receipts that are not quite those of the block."""
    receipts = answer.get("result") or []
    full = [receipt for receipt in receipts if receipt["logs"]]
    if not full:
        return False
    receipt = dice.choice(full)
    log = dice.choice(receipt["logs"])
    kind = dice.randrange(7)
    if kind == 0:
        receipt["status"] = "0x0" if receipt["status"] == "0x1" else "0x1"
    elif kind == 1:
        receipt["cumulativeGasUsed"] = hex(int(receipt["cumulativeGasUsed"], 16) + 1)
    elif kind == 2:
        log["data"] = log["data"][:-1] + ("1" if log["data"][-1] == "0" else "0")
    elif kind == 3:
        log["address"] = "0x" + "77" * 20
    elif kind == 4:
        log["topics"] = log["topics"][:-1]
    elif kind == 5:
        receipt["logs"].append(copy.deepcopy(log))
    else:
        receipt["type"] = "0x1" if receipt.get("type") != "0x1" else "0x2"
    return True


def stale_head(behind: int) -> Change:
    """Say that the chain ends earlier than it does."""

    def change(_dice: random.Random, _call: Call, answer: dict[str, Any]) -> bool:
        answer["result"] = hex(max(0, int(answer["result"], 16) - behind))
        return True

    return change


def other_block(dice: random.Random, _call: Call, answer: dict[str, Any]) -> bool:
    """Give a block another hash or receipts root: a provider on a branch of its own."""
    block = answer.get("result")
    if not block:
        return False
    name = dice.choice(["hash", "receiptsRoot"])
    block[name] = "0x" + dice.randbytes(32).hex()
    return True


# --- providers that limit and break off -----------------------------------------------------------------------------


def _error(calls: list[Call], code: int, message: str) -> Reply:
    error = {"code": code, "message": message}
    items = [{"jsonrpc": "2.0", "id": call["id"], "error": error} for call in calls]
    return Reply(json.dumps(items if len(items) > 1 else items[0]).encode())


def limited(dice: random.Random, calls: list[Call]) -> Reply:
    """Ask to slow down, in one of the ways that providers have."""
    if dice.random() < 0.5:
        return Reply(b"Too Many Requests", status=429)
    return _error(calls, -32005, "daily request count exceeded, request rate limited")


def timed_out(_dice: random.Random, _calls: list[Call]) -> Reply:
    """Say nothing for longer than anybody waits."""
    return Reply(b"{}", hold_s=2.0)


def broken_server(dice: random.Random, _calls: list[Call]) -> Reply:
    """Fail as gateways do."""
    return Reply(b"<html>Bad gateway</html>", status=dice.choice([500, 502, 503]))


def truncated(dice: random.Random, calls: list[Call]) -> Reply:
    """Break the answer off in the middle, with and without owning up to it."""
    body = json.dumps([{"jsonrpc": "2.0", "id": call["id"], "result": {"number": "0x1"}} for call in calls]).encode()
    return Reply(body[: dice.randrange(1, len(body) - 1)], cut=dice.random() < 0.5)


def oversized(most: int, *, seed: int) -> Fault:
    """Refuse more than `most` blocks a request, with a suggestion that is wrong or repeats what was asked."""
    dice = random.Random(seed)

    def fault(calls: list[Call], _answers: list[dict[str, Any]]) -> Reply | None:
        if len(calls) <= most:
            return None
        hint = dice.choice([len(calls), len(calls) * 2, 0])
        return dice.choice([
            _error(calls, -32602, f"query exceeds max results, retry with the range 0x1-{hex(hint)}"),
            _error(calls, -32005, f"block range too large, limit exceeded: try {hint} blocks"),
            _error(calls, -32000, f"batch too large: limit is {hint}"),
            Reply(b"", status=413),
        ])  # fmt: skip

    return fault
