"""The written rule and the form of the evidence say what the engine reads and writes."""

import json

from rewards.engine.bundle import MANIFEST, MANIFEST_SUM, OPTIONAL, TREE
from rewards.engine.events import SCHEMA
from rewards.engine.tables import HEADERS, PREVIOUS
from rewards.engine.terms import parse_terms
from rewards.engine.verify import REQUIRED
from tests.documents import DOCS, blocks
from tests.engine import terms_made


def test_the_terms_that_the_rule_of_scoring_shows_are_the_example_of_the_engines_tests_and_can_be_read():
    [document] = [block.text for block in blocks("spec/scoring.md") if block.language == "json"]
    assert json.loads(document) == terms_made.example()
    assert parse_terms(document.encode()).program == "us-equity-perps"


def test_the_page_of_the_evidence_names_every_file_and_column_that_a_bundle_may_have():
    text = (DOCS / "spec/evidence.md").read_text()
    for name in (*REQUIRED, *OPTIONAL, PREVIOUS, MANIFEST, MANIFEST_SUM, TREE):
        assert f"`{name}`" in text, name
    for header in HEADERS.values():
        assert f"`{','.join(header)}`" in text, header
    for column in SCHEMA.names:
        assert f"`{column}`" in text, column
