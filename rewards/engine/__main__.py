"""The command line of the engine, without Django: score, verify, explain, whatif and tree.

    python -m rewards.engine COMMAND --help

Exit status: 0 for success, 1 when a bundle's published figures are not those that its inputs give, 2 when
something cannot be read, with one sentence on standard error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rewards.engine import bundle, scoring, tree_cli, verify
from rewards.engine.errors import EngineError

EXIT_OK, EXIT_DIFFERS, EXIT_UNREADABLE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    args = _parser().parse_args(argv)
    try:
        status: int = args.run(args)
    except EngineError as error:
        print(bundle.in_bundle(error), file=sys.stderr)
        return EXIT_UNREADABLE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rewards.engine", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_score(commands)
    _add_verify(commands)
    tree_cli.add_parser(commands)
    return parser


def _add_score(commands: tree_cli.Subparsers) -> None:
    parser = commands.add_parser("score", help="score a bundle that has its inputs, and print the root")
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle's directory")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the scores, allocations and tree here")
    parser.set_defaults(run=_score)


def _score(args: argparse.Namespace) -> int:
    inputs = bundle.read_static(args.bundle)
    result = scoring.score_batches(inputs, bundle.read_events(args.bundle))
    if args.out is not None:
        bundle.write_outputs(args.out, inputs, result)
        print(f"{len(result.allocations)} allocations to {len(result.paid)} paid makers written to {args.out}")
    print(result.root or "none")
    return EXIT_OK


def _add_verify(commands: tree_cli.Subparsers) -> None:
    parser = commands.add_parser("verify", help="recompute a bundle's root and compare all that it says")
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle's directory")
    parser.set_defaults(run=_verify)


def _verify(args: argparse.Namespace) -> int:
    report = verify.verify_bundle(args.bundle)
    for line in report.lines():
        print(line)
    return EXIT_OK if report.ok else EXIT_DIFFERS


if __name__ == "__main__":
    sys.exit(main())
