"""A market's state, and its score of a stretch, as bytes and back: canonical, versioned, with a check sum."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from rewards.engine.errors import JsonError, StateError
from rewards.engine.jsontext import canonical_json, parse_strict
from rewards.engine.marketstate import MarketScore, MarketState, RestingOrders

HEADER = b"lamplight-market-state 1 "
SCORE_HEADER = b"lamplight-market-score 1 "
_DIGEST_CHARS = 64


def dump_state(*, state: MarketState, key: str) -> bytes:
    """Return the state as bytes; states with the same past give the same bytes. key: what the state belongs to."""
    score, orders = state.score, state.orders
    by_id = sorted(range(len(orders.ids)), key=lambda place: orders.ids[place].encode("utf-8"))
    document = {
        "key": key,
        "now_ms": state.now_ms,
        "last": list(state.last) if state.last else None,
        "ended": state.ended,
        "anchor": state.anchor,
        "halted": state.halted,
        "reference": state.reference,
        "stress_until_ms": state.stress_until_ms,
        "history": [list(entry) for entry in state.history],
        "orders": {
            "ids": [orders.ids[place] for place in by_id],
            "columns": [
                column[by_id].tolist()
                for column in (orders.maker, orders.side, orders.price, orders.size, orders.placed_ms)
            ],
        },
        "score": _score_document(score),
    }
    if state.first_ms is not None:
        document["first_ms"] = state.first_ms
    return _sealed(document, header=HEADER)


def load_state(*, data: bytes, key: str) -> MarketState:
    """Read a state back. Raises StateError unless it is whole, of this version and of the same key."""
    document = _document(data, header=HEADER)
    if document["key"] != key:
        raise StateError(reason="it is of another market, or of other terms, sessions or makers")
    columns = (np.array(column, dtype=np.int64) for column in document["orders"]["columns"])
    last = document["last"]
    return MarketState(
        now_ms=document["now_ms"],
        score=_score(document["score"]),
        last=(last[0], last[1], last[2]) if last else None,
        ended=document["ended"],
        anchor=document["anchor"],
        halted=document["halted"],
        orders=RestingOrders(document["orders"]["ids"], *columns),
        reference=document["reference"],
        stress_until_ms=document["stress_until_ms"],
        history=[(time_ms, reference) for time_ms, reference in document["history"]],
        first_ms=document.get("first_ms"),
    )


def first_ms_of(data: bytes) -> int | None:
    """Return the time of the first event of a market with splits, None for another. Raises StateError."""
    first_ms: int | None = _document(data, header=HEADER).get("first_ms")
    return first_ms


def dump_score(score: MarketScore) -> bytes:
    """Return the score as bytes; equal scores give the same bytes."""
    return _sealed(_score_document(score), header=SCORE_HEADER)


def load_score(data: bytes) -> MarketScore:
    """Read a score back. Raises StateError unless it is whole and of this version."""
    return _score(_document(data, header=SCORE_HEADER))


def _score_document(score: MarketScore) -> dict[str, Any]:
    return {
        "makers": list(score.makers),
        "credit": score.credit,
        "stress_credit": score.stress_credit,
        "present_ms": score.present_ms,
        "volume": score.volume,
        "live_ms": score.live_ms,
        "stress_ms": score.stress_ms,
    }


def _score(document: dict[str, Any]) -> MarketScore:
    return MarketScore(**{**document, "makers": tuple(document["makers"])})


def _sealed(document: dict[str, Any], *, header: bytes) -> bytes:
    body = canonical_json(document)
    return header + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def _document(data: bytes, *, header: bytes) -> dict[str, Any]:
    if not data.startswith(header):
        raise StateError(reason=f"it does not begin with {header.decode().strip()}")
    digest, _, body = data[len(header) :].partition(b"\n")
    if len(digest) != _DIGEST_CHARS or hashlib.sha256(body).hexdigest().encode() != digest:
        raise StateError(reason="its check sum is wrong, so it was cut or changed")
    try:
        document: dict[str, Any] = parse_strict(body, document="state")
    except JsonError as error:
        raise StateError(reason=error.reason) from error
    return document
