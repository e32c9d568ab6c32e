"""Every command of the engine explains itself, with an example that runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from rewards.engine import __main__
from tests.engine.published import publish, run_engine
from tests.engine.test_merkle_cli import README_VALUES

COMMAND = re.compile(r"^ +(?:-h, --help|([a-z]+)) ")
EXAMPLE = re.compile(r"^ +python -m rewards\.engine ((?:.*\\\n)*.*)$", re.MULTILINE)


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit) as ended:
        __main__.main([*command, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def commands(capsys: pytest.CaptureFixture[str]) -> list[str]:
    listed = help_of(capsys).partition("COMMAND\n")[2].partition("\n\n")[0]
    return [found[1] for line in listed.splitlines() if (found := COMMAND.match(line)) and found[1]]


def test_the_help_lists_the_commands_and_the_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert {"score", "verify", "explain", "whatif", "luck", "tree"} <= set(commands(capsys))
    assert "exit status:" in help_of(capsys)


def test_every_command_shows_an_example_and_every_example_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bundle = publish(tmp_path / "epoch-12")
    (tmp_path / "other.json").write_bytes((bundle / "terms.json").read_bytes())
    (tmp_path / "VALUES.json").write_text(README_VALUES)
    for command in commands(capsys):
        examples = EXAMPLE.findall(help_of(capsys, command))
        assert examples, command
        for example in examples:
            arguments = shlex.split(example.replace("\\\n", " "))
            assert arguments[0] == command
            if "fills_share_bps" not in example:  # whose sum depends on the terms' stress share
                assert run_engine(*arguments) == 0, example
                capsys.readouterr()
