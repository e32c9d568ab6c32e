"""Artefacts follow from their sources, and the distributor's source says what its users read."""

import re
from pathlib import Path

import pytest

from onchain.contracts import NAMES, artefact
from onchain.contracts.build import SOURCES, compiled

DOCS = Path(__file__).resolve().parents[2] / "docs" / "distributor.md"
SOURCE = (SOURCES / "rewards_distributor.vy").read_text("utf-8")
REFUSAL = re.compile(r'^([A-Z_0-9]+): constant\(uint256\) = (\d+)  # "(.+)"$', re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_artefact_is_what_its_source_compiles_to(name):
    assert compiled(name=name) == artefact(name)


def test_every_refusals_number_spells_the_text_beside_it_and_each_is_used():
    refusals = REFUSAL.findall(SOURCE)
    assert len(refusals) == len({text for _, _, text in refusals}) > 30
    for name, number, text in refusals:
        assert int(number).to_bytes(len(text)) == text.encode("ascii")
        assert len(text) < 32
        assert f"self._fail({name})" in SOURCE
    used = set(re.findall(r"self\._fail\((\w+)\)", SOURCE))
    assert used == {name for name, _, _ in refusals}
    assert not re.search(r"^\s+(assert|raise)\b", SOURCE, re.MULTILINE)


def test_every_refusal_function_and_event_is_explained_in_the_documentation():
    page = DOCS.read_text("utf-8")
    for _, _, text in REFUSAL.findall(SOURCE):
        assert f"`{text}`" in page, text
    for entry in artefact("rewards_distributor").abi:
        if entry["type"] in ("function", "event"):
            assert f"`{entry['name']}" in page, entry["name"]


def test_every_external_function_says_what_it_does_and_what_each_argument_is():
    pattern = r'@external\n(?:@\w+\n)*def (\w+)\((.*?)\)(?: -> [^\n]+)?:\n    """\n(.*?)"""'
    found = re.findall(pattern, SOURCE, re.DOTALL)
    assert len(found) == SOURCE.count("@external")
    for name, arguments, text in found:
        assert "@notice" in text, name
        for argument in re.findall(r"(\w+): ", arguments):
            assert f"@param {argument} " in text, (name, argument)


def test_the_contract_fits_the_limit_of_the_chain():
    # EIP-170 and EIP-3860
    assert len(artefact("rewards_distributor").bytecode) // 2 <= 24_576
