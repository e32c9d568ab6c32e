"""What docs/venues.md shows is what happens."""

import re
import tomllib

import pytest

from onchain.abi import EventSchema
from onchain.venues import ADAPTERS
from onchain.venues.__main__ import main
from onchain.venues.declared.files import ALWAYS, DEEDS
from tests.onchain.venues.data import DATA

ROOT = DATA.parents[1]
TEXT = (ROOT / "docs/venues.md").read_text()
BLOCKS = re.findall(r'```(\w+)(?: title="(\S+)")?\n(.*?)```', TEXT, re.DOTALL)
FILES = {name: body for _, name, body in BLOCKS if name}
COMMANDS = [
    (body, BLOCKS[place + 1][2]) for place, (kind, _, body) in enumerate(BLOCKS) if kind == "sh"
]  # each is followed by what it prints


@pytest.mark.parametrize(("command", "printed"), COMMANDS)
def test_the_commands_print_what_is_shown(tmp_path, monkeypatch, capsys, command, printed):
    for name, body in FILES.items():
        (tmp_path / name).write_text(body)
    words = command.replace("\\\n", " ").split()
    assert words[:3] == ["python", "-m", "onchain.venues"]
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)
    assert main(words[3:]) == 0
    assert capsys.readouterr().out == printed


def test_the_logs_shown_carry_the_topics_of_the_events_shown():
    for event in tomllib.loads(FILES["corner.toml"])["event"]:
        schema = EventSchema.parse(event["signature"])
        if schema.name != "Withdrawn":
            assert "0x" + schema.topic0.hex() in FILES["logs.jsonl"]


def test_every_adapter_and_every_key_of_a_file_of_events_is_described():
    for adapter in ADAPTERS:
        assert f"| `{adapter}` |" in TEXT
    keys = ALWAYS | {"bid", "ask"} | set().union(*(needed | allowed for needed, allowed in DEEDS.values()))
    for word in [*keys, *DEEDS]:
        assert f"`{word}`" in TEXT, word
