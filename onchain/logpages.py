"""Logs of a range by eth_getLogs, or page by page by eth_getLogsWithCursor where a node offers it.

Neither proves anything: nodes leave logs out without a word. They are for comparison with what receipts have proven.
Source: MegaETH, RPC reference, eth_getLogsWithCursor.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from onchain.columns import LogColumns, concatenate
from onchain.decode import decode_logs
from onchain.errors import RpcGarbledError, RpcMethodMissingError, RpcRefusedError
from onchain.fetch import in_pieces
from onchain.rpc import Call, RpcClient, parse_results

WITH_CURSOR = "eth_getLogsWithCursor"
MAX_PAGES = 10_000


def fetch_logs(client: RpcClient, *, addresses: Sequence[str], first: int, last: int) -> LogColumns:
    """Return what the node says are the logs of `addresses` in blocks [first, last], by block and log index.

    A page that does not get further, or a single block that is refused as too large, is an error.
    """
    found = _by_cursor(client, addresses=addresses, first=first, last=last)
    if found is None:
        pieces = in_pieces(first=first, last=last, fetch=lambda first, last: _range(client, addresses, first, last))
        found = concatenate(pieces)
    return found.take(np.lexsort((found.log_index, found.block)))


def _by_cursor(client: RpcClient, *, addresses: Sequence[str], first: int, last: int) -> LogColumns | None:
    """Follow the cursor to its end; None when the node does not know the method."""
    pages: list[LogColumns] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        wanted = _filter(addresses, first, last) | ({} if cursor is None else {"cursor": cursor})
        try:
            page = client.call(method=WITH_CURSOR, params=[wanted])
        except (RpcMethodMissingError, RpcRefusedError):
            if cursor is None:
                return None
            raise
        if not isinstance(page, dict) or not isinstance(page.get("logs"), list):
            raise RpcGarbledError(provider=_name(client), method=WITH_CURSOR, reason="the page has no list of logs")
        pages.append(decode_logs(json.dumps({"result": page["logs"]}).encode()))
        before, cursor = cursor, page.get("cursor")
        if cursor is None:
            return concatenate(pages)
        if cursor == before:
            break
    raise RpcGarbledError(provider=_name(client), method=WITH_CURSOR, reason="the cursor does not get any further")


def _range(client: RpcClient, addresses: Sequence[str], first: int, last: int) -> LogColumns:
    def read(answer: bytes, provider: str) -> LogColumns:
        # Only an answer that says it failed is parsed as objects; the others are one pass over the bytes.
        if b'"error"' in answer[:200] or b'"error"' in answer[-400:]:
            parse_results(answer, methods=["eth_getLogs"], provider=provider)
        return decode_logs(answer)

    return client.raw(calls=[Call("eth_getLogs", (_filter(addresses, first, last),))], check=read)


def _filter(addresses: Sequence[str], first: int, last: int) -> dict[str, Any]:
    return {"fromBlock": hex(first), "toBlock": hex(last), "address": list(addresses)}


def _name(client: RpcClient) -> str:
    return ", ".join(provider.name for provider in client.providers)
