"""Asks the public databases for known faults of the locked packages; for `make lint`.

Exit status 1 when one is found. A database that can't be reached says nothing about the packages: that is printed, and
the status is 0, so that lint works without a network.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 180
ACCEPTED: dict[str, str] = {}
"""Faults that don't touch us: id to reason. Look again with every `make lock`."""


def main() -> int:
    """Ask for the Python packages, then for those of npm."""
    return max(python_packages(), npm_packages())


def python_packages() -> int:
    """Ask the Python Packaging Advisory Database by way of pip-audit."""
    command = ["-m", "pip_audit", "-r", "requirements.txt", "--disable-pip", "--require-hashes", "-f", "json",
               "--progress-spinner", "off", "--timeout", "10"]  # fmt: skip
    report = answer_of([sys.executable, *command, *(f"--ignore-vuln={each}" for each in ACCEPTED)])
    packages = report.get("dependencies", []) if report else []
    looked_up = [each for each in packages if "vulns" in each]
    if not looked_up:
        return unreachable("Python", f"{len(packages)} packages are locked, and it knows none of them")
    if skipped := [each["name"] for each in packages if "vulns" not in each]:
        print(f"Python: the database does not know {', '.join(skipped)}.")
    return say(
        "Python", len(looked_up), [f"{each['name']} {each['version']}: {fault['id']}, mended in "
        f"{', '.join(fault['fix_versions']) or 'no version yet'}" for each in looked_up for fault in each["vulns"]],
    )  # fmt: skip


def npm_packages() -> int:
    """Ask npm's advisory database about what runs outside of tests."""
    npm = shutil.which("npm")
    report = answer_of([npm, "audit", "--omit=dev", "--json"]) if npm else None
    if not report or "vulnerabilities" not in report:
        return unreachable("npm", "npm audit had no answer")
    found = report["vulnerabilities"]
    return say("npm", report["metadata"]["dependencies"]["total"],
               [f"{name}: {each['severity']}" for name, each in found.items()])  # fmt: skip


def answer_of(command: list[str]) -> dict[str, Any] | None:
    """Return the JSON object that a command prints, None if it prints none: then it could not ask."""
    try:
        done = subprocess.run(  # noqa: S603 - the commands above, no shell
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def unreachable(what: str, why: str) -> int:
    """Say that nothing was learnt."""
    print(f"{what}: the database of known faults could not be reached ({why}); nothing was looked up.")
    return 0


def say(what: str, count: int, faults: list[str]) -> int:
    """Say what was found."""
    print(f"{what}: {count} packages looked up, {len(faults) or 'no'} known fault{'s' if len(faults) != 1 else ''}.")
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
