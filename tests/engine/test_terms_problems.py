"""One reading of the terms finds everything that is amiss, whichever of the two forms they are written in."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.engine.errors import TermsError
from rewards.engine.jsontext import read_json
from rewards.engine.terms import parse_terms, read_terms
from rewards.engine.tomltext import read_toml, write_toml
from tests.engine.terms_made import KINDS, documents, example

MARKET = "[markets.A]\nweight_bps = 1\n"


def problems_of(document: object) -> dict[str, str]:
    """Every path that is wrong, with the reason."""
    found = []
    read_terms(document, problems=found)
    paths = [problem.path for problem in found]
    assert len(set(paths)) == len(paths)
    return {problem.path: problem.reason for problem in found}


def test_sound_terms_have_no_problem():
    assert problems_of(example()) == {}


def test_every_mistake_is_found_at_once_and_each_is_said_once():
    document = example()
    del document["budget"]
    document["unspent"] = "burn"
    document["boosts"]["weekend"] = 10_001
    document["boosts"]["lunch"] = 1
    market = document["markets"]["AAPL-PERP"]
    market["weight_bps"] = True
    market["quoting_share_bps"] = "7000"
    market["curve"] = {"kind": "steps", "steps": [[5, 5], [5, 1], [6], [7, -1]]}
    market["stress"]["move_bps"] = 0
    assert problems_of(document) == {
        "budget": "the key is missing",
        "unspent": "it has to be one of return, redistribute",
        "boosts.weekend": "it is 10001 and has to be from 0 to 10000",
        "boosts.lunch": "the key is unknown",
        "markets.AAPL-PERP.weight_bps": "it has to be a whole number",
        # That the shares don't make a whole is not said, for one of them can't be read.
        "markets.AAPL-PERP.quoting_share_bps": "it has to be a whole number",
        "markets.AAPL-PERP.curve.steps[1]": "the fractions have to ascend",
        "markets.AAPL-PERP.curve.steps[2]": "it has to be [fraction_ppm, weight_ppm]",
        "markets.AAPL-PERP.curve.steps[3][1]": "it is -1 and has to be from 0 to 1000000",
        "markets.AAPL-PERP.stress.move_bps": "it is 0 and has to be from 1 to 10000",
    }


def test_what_is_no_object_is_one_problem_and_not_one_for_each_of_its_keys():
    document = example() | {"boosts": 5, "markets": {"A": [], "B": None}}
    assert set(problems_of(document)) == {"boosts", "markets.A", "markets.B"}
    assert problems_of([]) == {"": "it has to be an object"}


@given(st.data())
def test_whatever_is_broken_parsing_raises_the_first_of_the_problems(data):
    document = data.draw(documents())
    for _ in range(data.draw(st.integers(1, 4))):
        target = data.draw(st.sampled_from(objects_in(document)))
        key = data.draw(st.sampled_from([*target, "surplus"]))
        if data.draw(st.booleans()):
            target.pop(key, None)
        else:
            target[key] = data.draw(st.sampled_from([-1, 10**20, "", None, True, [], {}, "x"]))
    problems = problems_of(document)
    if not problems:
        parse_terms(json.dumps(document).encode())
        return
    with pytest.raises(TermsError) as raised:
        parse_terms(json.dumps(document).encode())
    assert (raised.value.path, raised.value.reason) == next(iter(problems.items()))


def objects_in(value: object) -> list[dict]:
    """Every object of a document, itself first."""
    if not isinstance(value, dict):
        return []
    return [value, *(inner for each in value.values() for inner in objects_in(each))]


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ('{"a": {"b": 1, "b": 2}}', "a.b", "the key is there twice"),
        ('{"a": [1, NaN]}', "a[1]", "NaN is not a whole number"),
        ('{"a": -Infinity}', "a", "-Infinity is not a whole number"),
        ('{"a": {"c": 1.5}}', "a.c", "1.5 is not a whole number"),
        ('{"a": "\\ud800"}', "a", "it holds half of a surrogate pair, which is no text"),
    ],
)
def test_json_names_the_path_of_what_only_its_text_shows(text, path, reason):
    problems = []
    read_json(text.encode(), document="terms", problems=problems)
    assert [(each.path, each.reason) for each in problems] == [(path, reason)]


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("a = 1\na = 2\n", "a", "the key is there twice"),
        (MARKET + "weight_bps = 2\n", "markets.A.weight_bps", "the key is there twice"),
        (MARKET + 'boosts."x y" = 2\nboosts."x y" = 3 # again\n', "markets.A.boosts.x y", "the key is there twice"),
        ('[a."b.c"]\nx = 1\n[a."b.c"]\n', "a.b.c", "the key is there twice"),
        ("[a]\nb = nan\n", "a.b", "nan is not a whole number"),
        ("[a]\nb = 1.0\n", "a.b", "1.0 is not a whole number"),
        ("a = { b = inf }\n", "a.b", "inf is not a whole number"),
    ],
)
def test_toml_names_the_path_of_what_only_its_text_shows(text, path, reason):
    problems = []
    read_toml(text.encode(), document="terms", problems=problems)
    assert [(each.path, each.reason) for each in problems] == [(path, reason)]


def test_a_key_that_is_there_twice_hides_no_other_mistake_of_a_toml_file():
    problems = []
    text = b"version = 1\nversion = 1\n[boosts]\nregular = 1.5\npre = 1\npre = 2\n"
    document = read_toml(text, document="terms", problems=problems)
    assert {each.path for each in problems} == {"version", "boosts.pre", "boosts.regular"}
    assert document == {"version": 1, "boosts": {"regular": None, "pre": 1}}


@pytest.mark.parametrize("raw", [b"\xff", b"= 1", b"[a", b"a = [" * 5_000, b"a." * 5_000 + b"a = 1"], ids=str)
def test_what_is_no_toml_is_one_sentence(raw):
    problems = []
    read_toml(raw, document="terms", problems=problems)
    assert len(problems) == 1 or problems == []
    assert all(each.path == "" and "it is not" in each.reason for each in problems)


@given(documents())
def test_terms_come_back_from_toml_as_they_went(document):
    text = write_toml(document)
    problems = []
    assert read_toml(text.encode(), document="terms", problems=problems) == document
    assert problems == []
    # Python's own reader agrees, and so does the hash, which is what counts.
    assert tomllib.loads(text) == document
    assert (
        parse_terms(json.dumps(tomllib.loads(text)).encode()).sha256
        == parse_terms(json.dumps(document).encode()).sha256
    )


def test_terms_as_toml_have_a_table_for_each_market():
    text = write_toml(example())
    assert 'budget = "250000000000000000000000"' in text
    assert "[markets.AAPL-PERP]\nweight_bps = 10000" in text
    assert 'curve = { kind = "quadratic" }' in text
    assert all(kind in text for kind in KINDS)
