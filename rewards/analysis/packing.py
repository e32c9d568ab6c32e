"""Sums by cell as bytes and back, and the sums of two runs together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from rewards.analysis.errors import PackedCellsError
from rewards.analysis.kernel import parts
from rewards.analysis.statistics import F64, Array
from rewards.engine.kernel.parts import I64

_COLUMNS = (parts.WHOLE, parts.FLOATS, parts.MARKET_WHOLE, parts.MARKET_FLOATS)
_NUMBER, _FLOAT = np.dtype("<i8"), np.dtype("<f8")
_KINDS = (_NUMBER, _FLOAT, _NUMBER, _FLOAT)
_LENGTH_BYTES = 8
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
        """Return the sums as compressed bytes: its shape, and then the arrays one behind the other."""
        makers = self.whole.shape[1]
        head = np.array([self.first, len(self), makers, *_COLUMNS], _NUMBER).tobytes()
        plain = head + b"".join(np.ascontiguousarray(array).tobytes() for array in self._arrays())
        packed: bytes = pa.compress(plain, codec="zstd", asbytes=True)
        return len(plain).to_bytes(_LENGTH_BYTES, "little") + packed

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return what `pack` wrote. Raises PackedCellsError."""
        size = int.from_bytes(data[:_LENGTH_BYTES], "little")
        try:
            plain = pa.decompress(data[_LENGTH_BYTES:], decompressed_size=size, codec="zstd", asbytes=True)
            first, cells, makers, *columns = np.frombuffer(plain, _NUMBER, count=3 + len(_COLUMNS)).tolist()
            if tuple(columns) != _COLUMNS:
                # Of an older version, with other columns.
                raise PackedCellsError
            arrays: list[Array] = []
            at = (3 + len(_COLUMNS)) * _NUMBER.itemsize
            for shape, kind in zip(_shapes(cells, makers), _KINDS, strict=True):
                count = int(np.prod(shape))
                arrays.append(np.frombuffer(plain, kind, count=count, offset=at).reshape(shape))
                at += count * kind.itemsize
        except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
            raise PackedCellsError from error
        if at != len(plain):
            raise PackedCellsError
        return cls(first, *arrays)

    def _arrays(self) -> tuple[Array, ...]:
        return self.whole, self.floats, self.of_market, self.of_market_floats


def _shapes(cells: int, makers: int) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the arrays, in their order."""
    return (cells, makers, _COLUMNS[0]), (cells, makers, _COLUMNS[1]), (cells, _COLUMNS[2]), (cells, _COLUMNS[3])
