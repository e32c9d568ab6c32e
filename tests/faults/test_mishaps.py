"""Mishaps can say how far they are at any time: before anything has happened as well as after."""

import pytest

from tests.faults.crew import Crew
from tests.faults.mishaps import Mishaps


@pytest.mark.parametrize(
    ("kind", "wanted", "at_first"), [("thrice", 3, 0), ("kills", ["relay.signed:1"], []), ("postgres", 2, 0)]
)
def test_a_mishap_of_which_nothing_has_happened_yet_says_so(tmp_path, kind, wanted, at_first):
    with Mishaps.of(tmp_path, {kind: wanted}) as mishaps:
        mishaps.begin("http://127.0.0.1:9")
        assert mishaps.counts() == {kind: at_first}
        assert mishaps.done == [0]


def test_a_full_disk_gives_evidence_its_room_first_and_proof_packs_theirs_last(tmp_path, monkeypatch):
    """Both disks are folders that take nothing, as for who may not mount; the worker's log says what failed."""
    monkeypatch.setenv("PATH", "")
    log = tmp_path / "logs" / "worker.log"
    log.parent.mkdir()
    log.touch()
    crew = Crew(tmp_path, env={})
    with Mishaps.of(tmp_path, {"disk": 3}) as mishaps:
        mishaps.begin("http://127.0.0.1:9")
        mishaps.crew = crew
        evidence, proofs = (disk.folder for disk in mishaps.each["disk"].disks)
        found = []
        for words in ("Epoch 1 is not scored: no", "Epoch 1 is not scored: no", "Proof packs of a are not written: no"):
            with log.open("a") as file:
                file.write(f"{words}\n")
            mishaps.step(0.5)
            mishaps.step(0.5)  # nothing more has failed
            found.append((mishaps.counts()["disk"], evidence.is_dir(), proofs.is_dir()))
    assert found == [(1, False, False), (2, True, False), (3, True, True)]
