"""The command `tree`: a JSON list of values in, the root (and, when asked for, the whole tree) out.

    python -m rewards.engine tree --types address,uint256 VALUES.json [--out tree.json]

`rewards.engine.__main__` mounts it with two calls: `add_parser(subparsers)` adds the subcommand, and
`run(args)` carries it out, prints, and returns the exit status (0, or 2 with one sentence on standard error).
The parsed arguments carry `run` as `args.run`, the way argparse's own documentation dispatches.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rewards.engine.errors import EngineError
from rewards.engine.jsontext import nested_too_deep
from rewards.engine.merkle import Tree
from rewards.engine.texttable import one_line

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

EXIT_OK = 0
EXIT_UNREADABLE = 2
_EXAMPLE = """\
example, with VALUES.json holding
    [["0x1111111111111111111111111111111111111111", "5000000000000000000"],
     ["0x2222222222222222222222222222222222222222", "2500000000000000000"]]
  python -m rewards.engine tree --types address,uint256 VALUES.json --out tree.json
    2 leaves written to tree.json
    0xd4dee0beab2d53f2cc83e567171bd2820e49898130a22622b10ead383e90bd77
"""


class ValuesFileError(EngineError):
    """The file of values cannot be read, or does not hold a JSON list of lists."""

    def __init__(self, *, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}.")


class TreeFileError(EngineError):
    """The tree cannot be written where it was asked for."""

    def __init__(self, *, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} cannot be written: {reason}.")


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the subcommand `tree` and return its parser; the namespace's `run` is this module's `run`."""
    parser = subparsers.add_parser(
        "tree",
        help="build a Merkle tree of any values and print its root",
        description="Build a tree that OpenZeppelin's StandardMerkleTree reads, and print its root on the last line.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("values", type=Path, metavar="VALUES.json", help="a JSON list of lists")
    parser.add_argument("--types", required=True, help="leaf types with commas between, as address,uint256")
    parser.add_argument("--out", type=Path, metavar="tree.json", help="write the whole tree here")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Carry out `tree`: print the root on the last line and return 0, or print why not and return 2."""
    types = [each.strip() for each in args.types.split(",")]
    try:
        tree = Tree.from_leaves(read_values(path=args.values), types)
        if args.out is not None:
            write_tree(path=args.out, tree=tree)
    except EngineError as error:
        print(one_line(str(error)), file=sys.stderr)
        return EXIT_UNREADABLE
    if args.out is not None:
        print(f"{len(tree)} leaves written to {args.out}")
    print(tree.root)
    return EXIT_OK


def read_values(*, path: Path) -> list[list[object]]:
    """Read a JSON list of lists, one inner list per leaf. Raises ValuesFileError."""
    try:
        raw = path.read_bytes()
        if nested_too_deep(raw):
            raise ValuesFileError(path=path, reason="it is not JSON that holds values (it is nested too deep)")
        values = json.loads(raw, parse_float=_no_fraction, parse_constant=_no_fraction)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ValuesFileError(path=path, reason=f"it cannot be read ({reason})") from error
    except (ValueError, RecursionError) as error:
        raise ValuesFileError(path=path, reason=f"it is not JSON that holds values ({error})") from error
    if not isinstance(values, list):
        raise ValuesFileError(path=path, reason="it has to be a list with one list of values per leaf")
    for index, row in enumerate(values):
        if not isinstance(row, list):
            raise ValuesFileError(path=path, reason=f"value {index} has to be a list, one item per type")
    return values


def write_tree(*, path: Path, tree: Tree) -> None:
    """Write the tree's dump as JSON. Raises TreeFileError."""
    try:
        path.write_text(json.dumps(tree.dump(), ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    except OSError as error:
        raise TreeFileError(path=path, reason=(error.strerror or str(error)).lower()) from error


def _no_fraction(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a whole number; write big numbers in quotes")
