"""The demo's stage: what it makes anew belongs to nobody else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rewards.demo import stage
from rewards.demo.errors import NotDuringDemoError

REPOSITORY = Path(__file__).resolve().parents[2]
HOLD = "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.flock(file, 2); print('held', flush=True); input()"


def test_a_second_demo_in_the_same_folder_is_refused_before_it_empties_the_database(settings, tmp_path):
    settings.DATA_DIR, settings.EMBEDDED_POSTGRES, settings.EMBEDDED_CHAIN = tmp_path, True, True
    (tmp_path / "run").mkdir()
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "run" / "stage.lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert first.stdout.readline() == "held\n"
    with pytest.raises(NotDuringDemoError, match=r"runs already.*LAMPLIGHT_DATA_DIR"):
        stage.set_up(chain_start_s=1_790_000_000)
    assert not (tmp_path / "postgres").exists()
    first.communicate("let go\n")


def test_a_database_that_no_demo_made_is_refused_and_stays_as_it_is(settings, tmp_path):
    settings.DATA_DIR, settings.EMBEDDED_POSTGRES, settings.EMBEDDED_CHAIN = tmp_path, True, True
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18\n")
    with pytest.raises(NotDuringDemoError, match=r"not made by a demo or sandbox.*LAMPLIGHT_DATA_DIR"):
        stage.set_up(chain_start_s=1_790_000_000)
    assert [each.name for each in tmp_path.iterdir()] == ["postgres"]


@pytest.mark.parametrize("command", ["demo", "flow", "sandbox"])
def test_each_demo_has_a_folder_of_its_own_apart_from_the_service_s(command):
    """`make run` keeps its database in .lamplight itself."""
    env = {name: value for name, value in os.environ.items() if name != "LAMPLIGHT_DATA_DIR"}
    words = [command, "--help", "--settings", "config.settings.local"]
    code = "import atexit, os, sys, manage; atexit.register(lambda: print(os.environ['LAMPLIGHT_DATA_DIR']))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; manage.main(sys.argv)", *words],
        cwd=REPOSITORY,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == str(REPOSITORY / ".lamplight" / command), done.stderr


@pytest.mark.parametrize("setting", ["EMBEDDED_POSTGRES", "EMBEDDED_CHAIN"])
def test_services_of_somebodys_own_are_never_emptied(settings, tmp_path, setting):
    settings.DATA_DIR, settings.EMBEDDED_POSTGRES, settings.EMBEDDED_CHAIN = tmp_path, True, True
    setattr(settings, setting, False)
    with pytest.raises(NotDuringDemoError, match="Unset DATABASE_URL and RPC_URLS"):
        stage.set_up(chain_start_s=1_790_000_000)
    assert list(tmp_path.iterdir()) == []
