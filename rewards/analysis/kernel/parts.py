"""What a watched replay keeps beside the engine's own arrays: sums per maker and cell, and samples.

A cell is a stretch of at most five minutes within one session. Nothing here computes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rewards.engine.kernel.parts import I64, Log, Makers

F64 = npt.NDArray[np.float64]

DEPTHS_BPS = (10, 25, 50, 100)
"""How far from the reference depth is added up."""

# States of a market at a moment.
UNKNOWN, IN_HALT, IN_DARK, LIT = range(4)

# Columns of whole numbers by maker and cell. First what a maker has at a moment, which is multiplied by time.
(
    COUNTING_MS,  # its quality is above 0
    HALTED_MS,  # or why it is not: these seven and COUNTING_MS sum to the cell's length
    DARK_MS,
    NO_QUOTES_MS,
    TOO_SMALL_MS,
    TOO_YOUNG_MS,
    TOO_FAR_MS,
    ONE_SIDED_MS,
    SINGLE_SIDE_MS,  # it counts, with one side alone
    ORDER_COUNTING_MS,  # orders * ms: these six sum to the time of all its resting orders
    ORDER_HALTED_MS,
    ORDER_DARK_MS,
    ORDER_TOO_SMALL_MS,
    ORDER_TOO_YOUNG_MS,
    ORDER_TOO_FAR_MS,
    BID_MS,  # it has a bid of age and size, while there is a reference
    ASK_MS,
    TWO_SIDED_MS,
    BID_DEPTH,  # lots * ms within each of DEPTHS_BPS
    _B25,
    _B50,
    _B100,
    ASK_DEPTH,
    _A25,
    _A50,
    _A100,
    HELD,  # how many columns that was
) = range(27)
# Then what the engine itself has added up.
CREDIT, STRESS_CREDIT, PRESENT_MS, VOLUME, WHOLE = range(HELD, HELD + 5)

# Columns of floats by maker and cell, each multiplied by ms.
QUALITY, SPREAD_BPS, BID_DISTANCE_BPS, ASK_DISTANCE_BPS, FLOATS = range(5)

# Columns of a market by cell: ms, and floats multiplied by ms of LIT time.
# NOBODY: lit time in which no maker had a quality.
MARKET_HALTED_MS, MARKET_DARK_MS, MARKET_LIT_MS, MARKET_STRESS_MS, MARKET_NOBODY_MS, MARKET_WHOLE = range(6)
REFERENCE, BAND_BPS, BOOK_SPREAD_BPS, MARKET_QUALITY, MARKET_FLOATS = range(5)

# Registers of the watch.
CELL, STATE, SEEN_REFERENCE, SEEN_BAND, DIRTY, SAMPLE, REGISTERS = range(7)


class Cells(NamedTuple):
    """The sums of every cell that is over, and the cell that is open. Arrays by maker are not padded.

    ends_ms: ends of the cells. whole: (cell, maker, WHOLE). floats: (cell, maker, FLOATS). market: (cell,
    MARKET_WHOLE). market_floats: (cell, MARKET_FLOATS).
    """

    ends_ms: I64
    whole: I64
    floats: F64
    market: I64
    market_floats: F64


class Watched(NamedTuple):
    """What each maker has had since `since_ms`, and the engine's sums that its open cell holds already.

    rates: (maker, HELD). float_rates: (maker, FLOATS). taken: (maker, WHOLE - HELD). orders: that rest. small: those
    below the least size. is_dirty, dirty: makers whose orders have changed since the last interval.
    """

    since_ms: I64
    rates: I64
    float_rates: F64
    taken: I64
    orders: I64
    small: I64
    is_dirty: I64
    dirty: I64


class Samples(NamedTuple):
    """Instants at which a share stands for a stretch of time, in order, and what was found at them.

    times_ms, draws, lengths_ms: by sample. makers, log: the engine's crediting of one share. credit: by draw, kind,
    maker. stress_credit: by draw, maker. Makers are padded as the engine's are.
    """

    times_ms: I64
    draws: I64
    lengths_ms: I64
    makers: Makers
    log: Log
    credit: I64
    stress_credit: I64


class Watch(NamedTuple):
    """All that a watched run changes beside the engine's `Run`. No cells: only samples are taken."""

    at: I64
    cells: Cells
    watched: Watched
    samples: Samples
