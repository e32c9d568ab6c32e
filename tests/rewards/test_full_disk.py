"""A disk that takes nothing: the epoch says so, an alarm is open, nothing half-written stays, and room mends it."""

import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rewards.errors import NotWrittenError
from rewards.models import Alarm, Entitlement, Epoch
from rewards.services.programs import epochs_begin
from rewards.services.proofs import proof_packs_write
from rewards.services.scoring import epoch_score_if_due
from rewards.writing import writing
from tests.faults.disks import BlockedFolder, SmallDisk, disk_at
from tests.pages.factories import scene
from tests.rewards.correcting import two_hours
from tests.rewards.test_scoring import START_S
from tests.watching import scrape

NOW = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)
WAITS = "It waits until its evidence can be written."
FULL = "The disk is full: EVIDENCE_DIR has no room for the evidence of epoch 1."
BLOCKED = "EVIDENCE_DIR does not take the evidence of epoch 1: "
RINGS = 'lamplight_alarms_open{kind="%s",source="programme"} 1.0'


@pytest.fixture
def disk(tmp_path, request):
    """One that a write fills in the middle, where it can be mounted; or a folder that takes nothing at all."""
    made = disk_at(tmp_path / "disk") if request.param == "small" else BlockedFolder(tmp_path / "disk")
    if request.param == "small" and not isinstance(made, SmallDisk):
        pytest.skip("A disk of its own takes root, or who else may mount a tmpfs.")
    yield made
    made.end()


both = pytest.mark.parametrize("disk", ["small", "blocked"], indirect=True)


def open_alarms() -> list[tuple[str, str]]:
    return list(Alarm.objects.filter(cleared_at=None).values_list("code", "message"))


@pytest.fixture
def epoch(house, settings, disk) -> Epoch:
    """One that has ended, whose evidence goes to the disk."""
    settings.EVIDENCE_DIR = disk.folder
    made = two_hours(house)
    house.index()
    epochs_begin(now_ms=START_S * 1000)
    return made


def state_after_a_try(epoch: Epoch) -> Epoch:
    epoch.refresh_from_db()
    epoch_score_if_due(epoch_id=epoch.pk, now=epoch.retry_at or NOW)
    return Epoch.objects.get(pk=epoch.pk)


@pytest.mark.django_db
@both
def test_evidence_that_finds_no_room_is_said_on_the_epoch_rings_and_is_written_once_there_is(epoch, disk, caplog):
    disk.leave(0)
    with caplog.at_level(logging.ERROR):
        waiting = state_after_a_try(epoch)
    assert waiting.state == Epoch.State.LIVE
    # Everybody reads the note; the folders of this machine are its operators' affair.
    assert waiting.note == WAITS
    # Soon, yet not with every poke: each try fills the disk.
    assert waiting.retry_at == NOW + timedelta(seconds=15)
    ((code, detail),) = open_alarms()
    assert code == "evidence_not_written"
    assert detail.startswith(FULL if isinstance(disk, SmallDisk) else BLOCKED)
    assert detail.endswith("it is tried again by itself.")
    assert f"Epoch 1 is not scored: {detail}" in caplog.messages
    assert [record.exc_info for record in caplog.records if record.exc_info] == []
    assert RINGS % "evidence_not_written" in scrape.page()
    disk.leave(None)
    done = state_after_a_try(epoch)
    assert (done.state, done.note) == (Epoch.State.SCORED, "")
    assert open_alarms() == []


@pytest.mark.django_db
@pytest.mark.parametrize("disk", ["small"], indirect=True)
def test_whichever_file_of_the_evidence_is_the_first_without_room_nothing_half_written_stays(epoch, disk):
    tries = 0
    # A page of four kilobytes for each file: inputs, events, scores and the tree, the manifest and its sum.
    for tries in range(30):
        disk.leave(tries * 4096)
        found = state_after_a_try(epoch)
        if found.state == Epoch.State.SCORED:
            break
        assert found.note == WAITS
        assert open_alarms()[0][1].startswith(FULL)
        assert os.listdir(disk.folder) == []
    assert tries > 8
    assert os.listdir(disk.folder) == [found.evidence_name]
    assert (found.note, open_alarms()) == ("", [])


@pytest.mark.django_db(transaction=True)
@both
def test_proof_packs_that_find_no_room_ring_and_are_written_once_there_is(settings, disk):
    settings.PROOFS_DIR = disk.folder
    made = scene()
    disk.leave(0)
    assert proof_packs_write(program=made.program) is None
    ((code, message),) = open_alarms()
    assert code == "proofs_not_written"
    says = "The disk is full: PROOFS_DIR has no room for" if isinstance(disk, SmallDisk) else "PROOFS_DIR does not take"
    assert message.startswith(f"{says} the proof packs of epoch {made.paying.number}")
    assert RINGS % "proofs_not_written" in scrape.page()
    # Trying in vain any number of times is one alarm.
    assert proof_packs_write(program=made.program) is None
    assert Alarm.objects.count() == 1
    disk.leave(None)
    folder = proof_packs_write(program=made.program)
    assert folder == Path(disk.folder) / made.program.slug / made.paying.root
    accounts = Entitlement.objects.filter(epoch=made.paying).values_list("account", flat=True)
    assert {path.name for path in folder.glob("*.json")} == {f"{account}.json" for account in accounts}
    assert open_alarms() == []


def test_what_a_full_device_says_and_what_a_wrong_folder_says_is_told_apart(tmp_path):
    full = r"^The disk is full: HERE has no room for letters\. Make room there, or move HERE to a larger disk; "
    with pytest.raises(NotWrittenError, match=full) as refused, writing(what="letters", setting="HERE"):
        Path("/dev/full").write_bytes(b"x")
    assert refused.value.is_full
    wrong = r"^HERE does not take letters: no such file or directory\. Put the folder right; "
    with pytest.raises(NotWrittenError, match=wrong) as refused, writing(what="letters", setting="HERE"):
        (tmp_path / "nowhere" / "letter").write_bytes(b"x")
    assert not refused.value.is_full
    assert refused.value.retryable


def test_who_may_not_mount_has_a_folder_that_takes_nothing_until_it_gets_room(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    found = disk_at(tmp_path / "disk")
    assert isinstance(found, BlockedFolder)
    found.leave(0)
    found.leave(4096)
    with pytest.raises(OSError, match="Not a directory"):
        (found.folder / "file").write_bytes(b"x")
    found.leave(None)
    (found.folder / "file").write_bytes(b"x")
    found.leave(None)
    assert (found.folder / "file").read_bytes() == b"x"
