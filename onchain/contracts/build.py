"""Compiles the contracts into artefacts/, or with --check says whether they still follow from the sources."""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from onchain.contracts import ARTEFACTS, NAMES, Artefact

SOURCES = Path(__file__).parent


def compiled(*, name: str) -> Artefact:
    """Compile one source with the installed Vyper; the same source and compiler give the same bytes."""
    # Imported here so that nothing but this command needs the compiler, which is a development dependency.
    from vyper import __version__ as version
    from vyper.compiler import compile_code

    source = (SOURCES / f"{name}.vy").read_text("utf-8")
    # Without the metadata trailer: it says nothing that the artefact does not, and every deployment would pay for it.
    output = compile_code(source, output_formats=["abi", "bytecode"], no_bytecode_metadata=True)
    return Artefact(
        name=name,
        abi=output["abi"],
        bytecode=output["bytecode"],
        source_sha256=hashlib.sha256(source.encode("utf-8")).hexdigest(),
        compiler=f"vyper {version}",
    )


def rendered(*, artefact: Artefact) -> str:
    """Write an artefact as the JSON text that is committed."""
    fields = {key: getattr(artefact, key) for key in ("name", "compiler", "source_sha256", "abi", "bytecode")}
    return json.dumps(fields, indent=1, sort_keys=True) + "\n"


def main(argv: Sequence[str]) -> int:
    """Build all artefacts (exit status 0), or compare them (1 when one differs from its source)."""
    parser = argparse.ArgumentParser(prog="python -m onchain.contracts.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    check = parser.parse_args(argv).check
    stale = []
    for name in NAMES:
        path, text = ARTEFACTS / f"{name}.json", rendered(artefact=compiled(name=name))
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.write_text(text, "utf-8")
    verb = "differs from its source; run python -m onchain.contracts.build" if check else "written"
    for name in stale:
        print(f"{name}: {verb}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
