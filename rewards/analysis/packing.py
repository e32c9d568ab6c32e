"""Sums by cell as bytes and back, and the sums of two runs together."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa

from rewards.analysis.errors import PackedCellsError
from rewards.analysis.kernel import parts
from rewards.analysis.statistics import F64, Array
from rewards.engine.kernel.parts import I64

_NAMES = ("whole", "floats", "of_market", "of_market_floats")
_COLUMNS = (parts.WHOLE, parts.FLOATS, parts.MARKET_WHOLE, parts.MARKET_FLOATS)
_HEAD = 8
"""Bytes in front that say how long the rest is without its compression."""


@dataclass(frozen=True, eq=False)
class CellSums:
    """Sums of consecutive cells, the first of which has the number `first`. Arrays as in MarketCells."""

    first: int
    whole: I64
    floats: F64
    of_market: I64
    of_market_floats: F64

    @classmethod
    def of(cls, cells: parts.Cells, *, first: int, end: int) -> Self:
        """Take a copy of the cells from `first` to before `end` out of a watched run."""
        taken = slice(first, end)
        return cls(
            first,
            cells.whole[taken].copy(),
            cells.floats[taken].copy(),
            cells.market[taken].copy(),
            cells.market_floats[taken].copy(),
        )

    def __len__(self) -> int:
        """The number of cells."""
        return len(self.whole)

    @property
    def end(self) -> int:
        """The number of the cell behind the last."""
        return self.first + len(self)

    def cut(self, *, first: int, end: int) -> Self:
        """Return the cells from `first` to before `end`, those of them that there are."""
        taken = slice(max(0, first - self.first), max(0, end - self.first))
        return type(self)(max(first, self.first), *(array[taken] for array in self._arrays()))

    def plus(self, other: Self) -> Self:
        """Return both together; cells that only one has count as they are."""
        first, end = min(self.first, other.first), max(self.end, other.end)
        sums = []
        for mine, theirs in zip(self._arrays(), other._arrays(), strict=True):
            total = np.zeros((end - first, *mine.shape[1:]), mine.dtype)
            total[self.first - first : self.end - first] += mine
            total[other.first - first : other.end - first] += theirs
            sums.append(total)
        return type(self)(first, *sums)

    def of_makers(self, indices: list[int]) -> Self:
        """Return the sums of some makers alone."""
        return type(self)(
            self.first, self.whole[:, indices], self.floats[:, indices], self.of_market, self.of_market_floats
        )

    def pack(self) -> bytes:
        """Return the sums as compressed bytes."""
        stream = BytesIO()
        named: dict[str, Any] = dict(zip(_NAMES, self._arrays(), strict=True))
        np.savez(stream, first=np.array([self.first]), **named)
        plain = stream.getvalue()
        packed: bytes = pa.compress(plain, codec="zstd", asbytes=True)
        return len(plain).to_bytes(_HEAD, "little") + packed

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return what `pack` wrote. Raises PackedCellsError."""
        try:
            plain = pa.decompress(
                data[_HEAD:], decompressed_size=int.from_bytes(data[:_HEAD], "little"), codec="zstd", asbytes=True
            )
            with np.load(BytesIO(plain), allow_pickle=False) as read:
                sums = cls(int(read["first"][0]), *(read[name] for name in _NAMES))
        except (OSError, EOFError, ValueError, KeyError, BadZipFile, pa.ArrowException) as error:
            raise PackedCellsError from error
        if tuple(array.shape[-1] for array in sums._arrays()) != _COLUMNS:
            # Of an older version, with other columns.
            raise PackedCellsError
        return sums

    def _arrays(self) -> tuple[Array, ...]:
        return self.whole, self.floats, self.of_market, self.of_market_floats
