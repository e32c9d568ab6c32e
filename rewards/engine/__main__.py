"""The command line of the engine, without Django: score, verify, explain, whatif, luck and tree.

    python -m rewards.engine COMMAND --help

Exit status: 0 for success, 1 when a bundle's published figures are not those that its inputs give, 2 when
something cannot be read, with one sentence on standard error.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# The command line shows what analysis finds; the engine itself knows nothing of it (import-linter holds that).
from rewards.analysis import explain_cli, luck_cli
from rewards.engine import bundle, scoring, tree_cli, verify, whatif_cli
from rewards.engine.errors import EngineError
from rewards.engine.texttable import one_line

EXIT_OK, EXIT_DIFFERS, EXIT_UNREADABLE = 0, 1, 2
EXIT_READER_GONE = 141  # as a shell says that a program wrote into a closed pipe; 0 would say that all agrees

_ABOUT = """\
Score the quotes of an epoch, check and explain what was published of it, and try other terms.
It needs no database, network or key: a bundle is a folder with all that a root depends on.
"""
_STATUSES = """\
exit status:
  0  done, and what was published agrees
  1  what was published is not what the inputs give
  2  something cannot be read; one sentence on standard error says what

example:
  python -m rewards.engine verify epoch-12

python -m rewards.engine COMMAND --help tells more about a command.
"""
_SCORE = """\
Score the inputs of a bundle (terms.json, sessions.csv, makers.csv, payouts.csv, carried_in.csv, events.parquet and,
after the first epoch, previous_cumulative.json; with vaults also vaults.csv and holders.csv). The last line is the
root, or none when nothing was ever paid. A manifest is not needed and not looked at.
"""
_SCORE_EXAMPLE = """\
example:
  python -m rewards.engine score epoch-12 --out epoch-12-scored
    writes scores.csv, allocations.csv, carried_out.csv and tree.json there, and prints the root
"""
_VERIFY = """\
Check the hash of every file of a bundle, recompute its scores, allocations and tree from its inputs, and compare.
The last line is the recomputed root: compare it, and the manifest hash above it, with those on the chain.
"""
_VERIFY_EXAMPLE = """\
exit status:
  0  all agrees
  1  a published figure differs; the first one is named with its file, its place and both values
  2  a file is missing, changed or unreadable

example:
  python -m rewards.engine verify epoch-12
"""

_Text = argparse.RawDescriptionHelpFormatter


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    args = _parser().parse_args(argv)
    try:
        status: int = args.run(args)
    except EngineError as error:
        print(one_line(str(bundle.in_bundle(error))), file=sys.stderr)
        return EXIT_UNREADABLE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rewards.engine", description=_ABOUT, epilog=_STATUSES, formatter_class=_Text
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_score(commands)
    _add_verify(commands)
    explain_cli.add_parser(commands)
    whatif_cli.add_parser(commands)
    luck_cli.add_parser(commands)
    tree_cli.add_parser(commands)
    return parser


def _add_score(commands: tree_cli.Subparsers) -> None:
    parser = commands.add_parser(
        "score",
        help="score a bundle that has its inputs, and print the root",
        description=_SCORE,
        epilog=_SCORE_EXAMPLE,
        formatter_class=_Text,
    )
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
    parser = commands.add_parser(
        "verify",
        help="recompute a bundle's root and compare all that it says",
        description=_VERIFY,
        epilog=_VERIFY_EXAMPLE,
        formatter_class=_Text,
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle's directory")
    parser.set_defaults(run=_verify)


def _verify(args: argparse.Namespace) -> int:
    report = verify.verify_bundle(args.bundle)
    for line in report.lines():
        print(one_line(line))
    return EXIT_OK if report.ok else EXIT_DIFFERS


def _from_shell() -> int:
    """Run the command as a process: names outside the terminal's letters are escaped, a reader may go away."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # as in `... | head`; what is left cannot go anywhere, at exit neither
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_READER_GONE
    return status


if __name__ == "__main__":
    sys.exit(_from_shell())
