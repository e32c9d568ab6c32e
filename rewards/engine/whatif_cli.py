"""The command `whatif`: what a bundle's makers would have got by other terms, or over a grid of terms.

python -m rewards.engine whatif BUNDLE --terms OTHER.json
python -m rewards.engine whatif BUNDLE --sweep 'markets.*.target_lots=500..2500/500' --sweep boosts.weekend=100,300
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rewards.engine import bundle, grid, whatif, whatif_report
from rewards.engine.errors import BundleError
from rewards.engine.inputs import Inputs
from rewards.engine.jsontext import canonical_json
from rewards.engine.options_cli import add_amount_options, add_bundle, check_decimals
from rewards.engine.terms import Terms

if TYPE_CHECKING:
    from rewards.engine.tree_cli import Subparsers

EXIT_OK = 0
BASE = "the bundle's own terms"
_ABOUT = """\
Score the quotes of a bundle by other terms, or by a grid of terms, and compare the payouts. The quotes are taken as
they were: what makers would have quoted by other terms nobody knows.
"""
_EXAMPLES = """\
examples:
  the payouts by other terms beside those of the bundle:
    python -m rewards.engine whatif epoch-12 --terms other.json --decimals 18
  one parameter in every market, five values:
    python -m rewards.engine whatif epoch-12 --sweep 'markets.*.target_lots=500..2500/500'
  a grid of two parameters, as JSON with the amounts of every maker:
    python -m rewards.engine whatif epoch-12 --sweep boosts.weekend=100,300 --sweep budget=1000,2000 --json
  shares that have to sum to 10,000 move together:
    python -m rewards.engine whatif epoch-12 \\
      --sweep 'markets.*.quoting_share_bps+markets.*.fills_share_bps=10000+0,8000+2000'
"""


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the subcommand `whatif` and return its parser; the namespace's `run` is this module's `run`."""
    parser = subparsers.add_parser(
        "whatif",
        help="show what other terms would have paid for the same quotes",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_bundle(parser)
    parser.add_argument(
        "--terms", type=Path, metavar="OTHER.json", help="other terms; their epoch is left aside, the bundle's holds"
    )
    parser.add_argument(
        "--sweep",
        action="append",
        default=[],
        metavar="PARAM=VALUES",
        help="a key's path in the terms (* for every key at its place) and its values, as 1,2,5 or 10..100/10; "
        "given twice it makes a grid; together with --terms it starts from those",
    )
    add_amount_options(parser)
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Carry out `whatif` and return 0. Raises EngineError when something cannot be read or tried."""
    if args.terms is None and not args.sweep:
        raise whatif.TriedTermsError(label="whatif", reason="it needs --terms OTHER.json, --sweep PARAM=VALUES or both")
    check_decimals(args.decimals)
    parameters = [grid.parse_parameter(text) for text in args.sweep]
    inputs = bundle.read_static(args.bundle)
    other = _other_terms(args.terms)
    after = inputs.terms if other is None else whatif.in_epoch_of(inputs.terms, other=other)
    notes = [] if other is None else whatif_report.notes(inputs.terms, other, name=args.terms.name)
    if parameters:
        document, lines = _sweep(args, inputs, after, parameters)
    else:
        document, lines = _compare(args, inputs, after)
    if args.json:
        print(canonical_json(document | {"notes": notes}).decode())
    else:
        print("\n".join([*notes, *([""] if notes else []), *lines]))
    return EXIT_OK


def _other_terms(path: Path | None) -> Terms | None:
    """Read the other terms; an error names their path as it was given, since it may be called terms.json too."""
    if path is None:
        return None
    try:
        return bundle.read_terms(path)
    except BundleError as error:
        raise BundleError(file=str(path), reason=error.reason) from error


def _compare(args: argparse.Namespace, inputs: Inputs, after: Terms) -> tuple[dict[str, object], list[str]]:
    name = args.terms.name
    variants = {BASE: inputs.terms, name: after}
    outcomes = whatif.try_terms(inputs=inputs, variants=variants, batches=partial(bundle.read_events, args.bundle))
    compared = whatif_report.Comparison(before=outcomes[BASE], after=outcomes[name])
    return compared.to_json(), compared.lines(decimals=args.decimals, before_name=BASE, after_name=name)


def _sweep(
    args: argparse.Namespace, inputs: Inputs, start: Terms, parameters: list[grid.Parameter]
) -> tuple[dict[str, object], list[str]]:
    points = grid.points(terms=start, parameters=parameters)
    variants = {BASE: inputs.terms} | {point.label: point.terms for point in points}
    outcomes = whatif.try_terms(inputs=inputs, variants=variants, batches=partial(bundle.read_events, args.bundle))
    swept = whatif_report.Sweep(
        names=[parameter.name for parameter in parameters],
        base=outcomes[BASE],
        points=[(point.values, outcomes[point.label]) for point in points],
    )
    return swept.to_json(), swept.lines(decimals=args.decimals)
