"""The rules in full, docs/spec: what they say of files and columns is what the engine reads and writes."""

import re

import pyarrow as pa

from rewards.engine import bundle, tables
from rewards.engine.events import EVENT_KINDS, SCHEMA, SIDES
from tests.documents import DOCS
from tests.documents import tables as tables_of

EVIDENCE = (DOCS / "spec/evidence.md").read_text()
FIRST_VERSION, SECOND_VERSION, COLUMNS = ({row[0]: row[1:] for row in rows[1:]} for rows in tables_of(EVIDENCE))
TYPES = {"string": pa.string(), "int64": pa.int64()}


def names(cell: str) -> list[str]:
    """Every `name` that a cell of a table gives."""
    return re.findall(r"`([^`]+)`", cell)


def test_every_file_of_a_bundle_stands_in_the_rule_with_its_columns():
    said = {name: row[0] for cell, row in (FIRST_VERSION | SECOND_VERSION).items() for name in names(cell)}
    assert said.keys() == {
        *(bundle.MANIFEST, bundle.MANIFEST_SUM, bundle.TERMS, bundle.EVENTS, bundle.TREE, tables.PREVIOUS),
        *tables.HEADERS,
    }
    for name, header in tables.HEADERS.items():
        assert names(said[name])[0] == ",".join(header), name


def test_a_file_that_only_a_reader_of_version_2_knows_stands_among_those_of_version_2():
    assert {name for row in SECOND_VERSION for name in names(row)} == set(bundle.OPTIONAL)
    assert set(bundle.OPTIONAL.values()) == {2}


def test_every_column_of_the_events_stands_in_the_rule_with_its_type_and_its_words():
    typed = {name: TYPES[row[0].split(":")[0].split(",")[0]] for cell, row in COLUMNS.items() for name in names(cell)}
    assert list(typed.items()) == [(field.name, field.type) for field in SCHEMA]
    assert names(COLUMNS["`kind`"][0]) == list(EVENT_KINDS)
    assert names(COLUMNS["`side`"][0]) == list(SIDES)


def test_every_page_of_the_rule_that_the_code_names_is_there():
    named = set()
    for app in ("accounts", "audit", "config", "onchain", "rewards"):
        for path in (DOCS.parent / app).rglob("*.py"):
            named |= set(re.findall(r"(?<![\w./-])((?:docs|spec)/[\w/-]+\.md)", path.read_text()))
    assert "docs/spec/scoring.md" in named
    assert [name for name in sorted(named) if not (DOCS.parent / name).exists()] == []
