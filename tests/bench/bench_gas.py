"""What the distributor's transactions cost in gas, measured on a local chain, beside their targets.

python -m tests.bench.bench_gas
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.contracts.gas import TARGETS, chain, measure


def main() -> int:
    with chain() as anvil:
        table = measure(anvil)
    print("gas of whole transactions, tree depth 10, cold recipient, OpenZeppelin's ERC-20:")
    for name, gas in table.items():
        target = f"  target <= {TARGETS[name]:,}" if name in TARGETS else ""
        missed = " (missed)" if name in TARGETS and gas > TARGETS[name] else ""
        print(f"  {name:<48}{gas:>11,}{target}{missed}")
    return int(any(table[name] > target for name, target in TARGETS.items()))


if __name__ == "__main__":
    sys.exit(main())
