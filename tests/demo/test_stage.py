"""The demo's stage: what it makes anew belongs to nobody else."""

import subprocess
import sys

import pytest

from rewards.demo import stage
from rewards.demo.errors import NotDuringDemoError

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


@pytest.mark.parametrize("setting", ["EMBEDDED_POSTGRES", "EMBEDDED_CHAIN"])
def test_services_of_somebodys_own_are_never_emptied(settings, tmp_path, setting):
    settings.DATA_DIR, settings.EMBEDDED_POSTGRES, settings.EMBEDDED_CHAIN = tmp_path, True, True
    setattr(settings, setting, False)
    with pytest.raises(NotDuringDemoError, match="Unset DATABASE_URL and RPC_URLS"):
        stage.set_up(chain_start_s=1_790_000_000)
    assert list(tmp_path.iterdir()) == []
