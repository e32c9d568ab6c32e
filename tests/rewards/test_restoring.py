"""What a restore says when it can't go on; the whole of it is in tests/e2e/test_restoring.py."""

import pytest

from rewards.services.backup.errors import HalfRestoredError
from rewards.services.backup.restoring import _copy


def test_a_folder_that_can_not_be_filled_is_named_with_what_to_do_about_the_full_database(settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "backup" / "evidence").mkdir(parents=True)
    settings.EVIDENCE_DIR = tmp_path / "file" / "evidence"
    with pytest.raises(HalfRestoredError, match="make the database and the folders empty again") as half:
        _copy(tmp_path / "backup")
    assert half.value.path == str(settings.EVIDENCE_DIR)
