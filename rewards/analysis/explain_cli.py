"""The command `explain`: the way from an account's leaf back to the quotes that earned it.

python -m rewards.engine explain BUNDLE --account 0x... [--json]
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rewards.analysis.explain import explain
from rewards.analysis.explain_json import to_json
from rewards.analysis.explain_text import Teller
from rewards.engine import bundle
from rewards.engine.errors import OptionError
from rewards.engine.jsontext import canonical_json
from rewards.engine.options_cli import add_amount_options, add_bundle, check_decimals
from rewards.engine.termfields import ADDRESS

if TYPE_CHECKING:
    from rewards.engine.tree_cli import Subparsers

EXIT_OK = 0
_ABOUT = """\
Walk from an account's leaf in the tree back to what it is made of: shares of what makers are paid, markets, pools
before and after the cap, kinds of session, sessions, and the statistics of the quotes in them. Every figure is the sum
of those under it, to the unit. It is computed from the bundle's inputs; `verify` says whether the bundle agrees.
"""
_EXAMPLE = """\
example:
  python -m rewards.engine explain epoch-12 --account 0x5bc4c0df2072353af1c8bb99f92f28a8545aa00b
"""


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the subcommand `explain` and return its parser; the namespace's `run` is this module's `run`."""
    parser = subparsers.add_parser(
        "explain",
        help="show where an account's amount comes from, down to the quotes",
        description=_ABOUT,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_bundle(parser)
    parser.add_argument("--account", required=True, metavar="0x...", help="the account that is paid")
    add_amount_options(parser)
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Carry out `explain` and return 0. Raises EngineError when something cannot be read, or nobody is paid there."""
    account = args.account.lower()
    if not ADDRESS.fullmatch(account):
        raise OptionError(option="--account", reason=f"{args.account} is not 0x and 40 hex digits")
    check_decimals(args.decimals)
    found = explain(bundle.read_inputs(args.bundle), account=account)
    if args.json:
        print(canonical_json(to_json(found)).decode())
    else:
        print("\n".join(Teller(decimals=args.decimals).lines(found)))
    return EXIT_OK
