"""The documents keep up with the code: every command, option and setting that they name exists, and the reverse."""

import re
from pathlib import Path

import pytest
from django.core.management import load_command_class

from config.environment import SECRETS

REPOSITORY = Path(__file__).resolve().parents[1]
APPS = ("audit", "onchain", "accounts", "rewards")
README = (REPOSITORY / "README.md").read_text()
EXAMPLE = (REPOSITORY / ".env.example").read_text()
OTHERS = {"REMAP_SIGTERM", "FORWARDED_ALLOW_IPS", "NUMBA_CACHE_DIR"}
"""Read by Celery, uvicorn and Numba themselves; production needs them."""
READS = re.compile(
    r"""(?:env\.\w+|environ\.get|environ\.setdefault)\(\s*"([A-Z][A-Z0-9_]*)"|environ\["([A-Z0-9_]+)"\]"""
)


def commands() -> dict[str, str]:
    """Every management command of ours and its app."""
    return {
        path.stem: app
        for app in APPS
        for path in (REPOSITORY / app / "management" / "commands").glob("*.py")
        if path.stem != "__init__"
    }


def variables() -> set[str]:
    """Every variable that the code reads from the environment."""
    sources = [REPOSITORY / "manage.py"]
    for folder in ("config", *APPS):
        sources += (REPOSITORY / folder).rglob("*.py")
    found = {name for path in sources for match in READS.findall(path.read_text()) for name in match if name}
    # The desktop's own, not a setting of ours.
    return (found - {"DISPLAY"}) | {f"{name}_FILE" for name in SECRETS} | OTHERS


def test_every_variable_that_the_code_reads_is_in_the_example_and_nothing_else():
    named = set(re.findall(r"^# ([A-Z][A-Z0-9_]*)=", EXAMPLE, re.MULTILINE))
    assert {"DATABASE_URL", "CELERY_BROKER_URL", "RPC_URLS"} <= variables()
    assert named == variables()


def test_whoever_reads_the_readme_is_led_to_the_commands_that_start_it_and_to_the_documentation():
    # All others stand in docs/reference/commands.md: tests/docs/test_complete.py.
    assert {"demo", "flow", "run"} <= set(commands())
    for name in ("demo", "run"):
        assert f"make {name}" in README, name
    assert "docs/index.md" in README


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_option_that_the_readme_gives_a_command_is_one_that_it_takes(name):
    parser = load_command_class(commands()[name], name).create_parser("manage.py", name)
    taken = {option for action in parser._actions for option in action.option_strings}
    lines = [line for line in README.splitlines() if f"`make {name}" in line or f"manage.py {name}" in line]
    named = {option for line in lines for option in re.findall(r"--[a-z][a-z-]*", line)}
    assert named <= taken


def test_every_target_of_make_that_the_readme_names_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", README))
    assert {"demo", "test", "lint", "bench", "run", "flow"} <= named
    assert named <= targets
