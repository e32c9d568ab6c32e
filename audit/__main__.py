"""`python -m audit FILE`: recompute an export of the audit log and name the first entry that does not hold."""

import argparse
import json
import sys
from pathlib import Path

from audit.chain import Head, verify


def main(argv: list[str] | None = None) -> int:
    """Check a file; 0 when all of it holds, 1 with the first fault when not, 2 when it can't be read."""
    parser = argparse.ArgumentParser(prog="python -m audit", description=__doc__)
    parser.add_argument("file", type=Path, help="what `manage.py audit_export` wrote, or - for standard input")
    parser.add_argument(
        "--evidence", type=Path, action="append", default=[], metavar="BUNDLE",
        help="an epoch's evidence, whose manifest names a head that must be in the log (again for more)",
    )  # fmt: skip
    args = parser.parse_args(argv)
    try:
        wanted = {bundle: head_of(bundle) for bundle in args.evidence}
        source = sys.stdin if str(args.file) == "-" else args.file.open(encoding="utf-8", newline="\n")
        with source as lines:
            verdict = verify(lines, wanted=[head for head in wanted.values() if head is not None])
    except (OSError, ValueError) as error:
        print(f"It can't be read: {error}", file=sys.stderr)
        return 2
    faults = [verdict.broken] if verdict.broken else []
    for bundle, head in wanted.items():
        if head is None:
            print(f"{bundle} was scored before manifests named the log's head.")
        elif head in verdict.found:
            print(f"{bundle} names entry {head.sequence}, and the log has it.")
        else:
            faults.append(f"{bundle} names entry {head.sequence} with the hash 0x{head.hash}, which the log lacks.")
    print(f"Unbroken up to entry {verdict.head.sequence}, head 0x{verdict.head.hash}")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def head_of(bundle: Path) -> Head | None:
    """Return the head that a bundle's manifest names, None if it names none. Raises OSError and ValueError."""
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    named = manifest.get("audit")
    return None if named is None else Head(int(named["sequence"]), str(named["hash"]).removeprefix("0x"))


if __name__ == "__main__":
    sys.exit(main())
