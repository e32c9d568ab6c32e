"""The command `luck`: what makers would have earned by random samples of the book, beside what they did earn.

python -m rewards.engine luck BUNDLE [--draws 200] [--seed 1] [--json]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rewards.analysis.luck import Luck, Range, sampling_luck
from rewards.engine import bundle
from rewards.engine.errors import OptionError
from rewards.engine.jsontext import canonical_json
from rewards.engine.options_cli import add_amount_options, add_bundle, check_decimals
from rewards.engine.rules import BPS
from rewards.engine.texttable import amount_text, one_line, percent_text, table

if TYPE_CHECKING:
    from rewards.engine.tree_cli import Subparsers

EXIT_OK = 0
MOST_DRAWS = 2000
_ABOUT = """\
Show what each maker would have earned if the book had been looked at once a minute, at a random instant that stands
for its whole minute, as other programmes do: the mean and the range of 90% of many draws, beside the exact amount.
Amounts are those of the epoch, before what was carried in and before the least payout.
"""
_EXAMPLE = """\
example:
  python -m rewards.engine luck epoch-12 --draws 200 --seed 1
"""


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the subcommand `luck` and return its parser; the namespace's `run` is this module's `run`."""
    parser = subparsers.add_parser(
        "luck",
        help="show what random sampling would have paid instead of the exact rule",
        description=_ABOUT,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_bundle(parser)
    parser.add_argument("--draws", type=int, default=200, metavar="N", help="how many epochs to sample (200)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed draws the same instants (1)")
    add_amount_options(parser)
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Carry out `luck` and return 0. Raises EngineError when something cannot be read."""
    if not 1 <= args.draws <= MOST_DRAWS:
        raise OptionError(option="--draws", reason=f"it has to be from 1 to {MOST_DRAWS}")
    if args.seed < 0:
        raise OptionError(option="--seed", reason="it has to be 0 or more")
    check_decimals(args.decimals)
    luck = sampling_luck(bundle.read_inputs(args.bundle), draws=args.draws, seed=args.seed)
    if args.json:
        print(canonical_json(to_json(luck)).decode())
    else:
        print("\n".join(lines(luck, decimals=args.decimals)))
    return EXIT_OK


def to_json(luck: Luck) -> dict[str, object]:
    """Return the report with amounts as decimal strings."""
    return {
        "epoch": luck.terms.epoch.number,
        "program": luck.terms.program,
        "draws": luck.draws,
        "seed": luck.seed,
        "makers": [{"maker": maker} | _range_json(each) for maker, each in luck.by_maker.items()],
        "rows": [{"maker": maker, "market": market} | _range_json(r) for (maker, market), r in luck.by_market.items()],
    }


def lines(luck: Luck, *, decimals: int | None) -> Iterator[str]:
    """Yield the report as tables."""
    token, epoch = luck.terms.token, luck.terms.epoch.number
    unit = f"the smallest unit of {token}"
    if decimals is not None:
        unit = f"tokens of 10^{decimals} smallest units of {token}, cut off after six places"
    yield one_line(
        f"Epoch {epoch} of {luck.terms.program}: what was earned, and what {luck.draws} samplings of one random look a "
        f"minute would have paid. Amounts are in {unit}."
    )
    heading = ["exact", "mean", "5%", "95%", "range"]
    rows = [[maker, "all markets", *_cells(each, decimals)] for maker, each in luck.by_maker.items()]
    rows += [[maker, market, *_cells(each, decimals)] for (maker, market), each in luck.by_market.items()]
    yield ""
    yield from table(["maker", "market", *heading], rows, left=2)
    yield ""
    yield "Of ten samplings nine lie between 5% and 95%; the range is their distance in percent of the exact amount."


def _cells(each: Range, decimals: int | None) -> list[str]:
    amounts = [amount_text(amount, decimals=decimals) for amount in (each.exact, each.mean, each.low, each.high)]
    return [*amounts, percent_text((each.high - each.low) * BPS // each.exact) if each.exact else ""]


def _range_json(each: Range) -> dict[str, str]:
    names = ("exact", "mean", "low", "high", "least", "most")
    return {name: str(getattr(each, name)) for name in names}
