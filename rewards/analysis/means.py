"""A session's sums over all its cells: what pages compare sessions by, without unpacking every five minutes of them."""

from collections.abc import Sequence
from typing import Any

from rewards.analysis.kernel import parts
from rewards.analysis.packing import CellSums


def session_sums(*, sums: CellSums, makers: Sequence[str]) -> dict[str, Any]:
    """Return the sums of a session as JSON can hold them.

    makers: in the order of the sums. Returns lit_ms, and multiplied by ms of lit time: reference, quality (of all
    makers) and makers (the quality of each that has any).
    """
    own = sums.floats[:, :, parts.QUALITY].sum(axis=0).tolist()
    return {
        "lit_ms": int(sums.of_market[:, parts.MARKET_LIT_MS].sum()),
        "reference": float(sums.of_market_floats[:, parts.REFERENCE].sum()),
        "quality": float(sums.of_market_floats[:, parts.MARKET_QUALITY].sum()),
        "makers": {name: quality for name, quality in zip(makers, own, strict=True) if quality},
    }
