"""Every alarm of the rule files rings when it should, is silent when it should be, and tells a person what to do."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.watching import scrape
from tests.watching.promtools import REPOSITORY, RULES, SETUP, promtool, rules
from tests.watching.whole import well

CASES = sorted((Path(__file__).parent / "rules").glob("*.test.yml"))
ALARMS = (REPOSITORY / "docs" / "operators" / "alarms.md").read_text()
RUNBOOK = (REPOSITORY / "docs" / "operators" / "runbook.md").read_text()
GRAFANA = REPOSITORY / "docker" / "grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
METRIC = re.compile(r"\b(?:lamplight_\w+|up|ALERTS)\b")
# Kinds of panels and units that Grafana 12 has without plugins of others.
PANELS = {"row", "stat", "timeseries", "table"}
UNITS = {"short", "s", "bytes", "percentunit", "reqps"}


def test_prometheus_takes_the_configuration_and_all_rules(tmp_path):
    shutil.copytree(SETUP, tmp_path / "prometheus")
    config, token = tmp_path / "prometheus" / "prometheus.yml", tmp_path / "metrics_token"
    text = config.read_text()
    assert "/run/secrets/metrics_token" in text
    # As in the container, where the secret is there.
    token.write_text("a-token")
    config.write_text(text.replace("/run/secrets/metrics_token", str(token)))
    done = promtool("check", "config", str(config))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules())} rules found" in done.stdout or done.stdout.count("rules found") == len(RULES)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_every_alarm_rings_above_its_limit_and_is_silent_at_it(case):
    done = promtool("test", "rules", str(case))
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_alarm_is_without_a_case_that_rings_and_one_that_does_not():
    rings, silent = set(), set()
    for case in CASES:
        for test in yaml.safe_load(case.read_text())["tests"]:
            for each in test["alert_rule_test"]:
                (rings if each["exp_alerts"] else silent).add(each["alertname"])
    names = {rule["alert"] for rule in rules()}
    assert rings == silent == names
    assert len(names) == len(rules())
    assert {case.name.replace(".test", "") for case in CASES} == {path.name for path in RULES}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alarm_says_how_bad_it_is_what_is_the_matter_and_what_to_do(rule):
    notes, name = rule["annotations"], rule["alert"]
    assert rule["labels"] == {"severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert all(notes[part].endswith(".") for part in ("summary", "action"))
    assert notes["runbook_url"] == f"{{{{ $externalLabels.site }}}}/docs/operators/alarms/#{name.lower()}"
    # The heading makes the anchor.
    assert len(re.findall(rf"^### {name}$", ALARMS, re.MULTILINE)) == 1


def test_the_page_of_alarms_explains_none_that_there_is_not():
    assert set(re.findall(r"^### (\w+)$", ALARMS, re.MULTILINE)) == {rule["alert"] for rule in rules()}


def test_the_runbook_names_every_kind_of_alarm_that_the_service_raises_itself():
    codes = set()
    for path in (*(REPOSITORY / "rewards" / "services").rglob("*.py"), *(REPOSITORY / "onchain").rglob("*.py")):
        codes |= set(re.findall(r'alarms_set\(program=program, code="(\w+)"', path.read_text()))
        codes |= set(re.findall(r'^    kind = "(\w+)"', path.read_text(), re.MULTILINE))
    assert {"paused", "wrong_proposer"} <= codes
    for code in codes:
        assert f"\n### `{code}`\n" in RUNBOOK, code


# --- dashboards ----------------------------------------------------------------------------------------------------


def queries(path: Path) -> list[str]:
    """Every expression of a dashboard."""
    return [target["expr"] for panel in json.loads(path.read_text())["panels"] for target in panel.get("targets", ())]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_prometheus_can_read_every_query_of_a_dashboard(path, tmp_path):
    found = [{"record": f"q:{number}", "expr": query.replace("$programme", ".*")}
             for number, query in enumerate(queries(path))]  # fmt: skip
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": found}]}))
    done = promtool("check", "rules", "--lint=none", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(found) > 20


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_a_dashboard_has_the_form_that_grafana_12_takes(path):
    board = json.loads(path.read_text())
    assert 36 <= board["schemaVersion"] <= 41
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", board["uid"])
    assert {"title", "tags", "time", "timezone", "templating", "annotations", "refresh"} <= set(board)
    assert "id" not in board
    panels = board["panels"]
    ids = [panel["id"] for panel in panels]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in panels:
        assert panel["type"] in PANELS
        at = panel["gridPos"]
        assert at["x"] >= 0
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["datasource"] == {"type": "prometheus", "uid": source()["uid"]}
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        # The lowest threshold has no value of its own.
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
        assert panel["targets"]
        assert [target["refId"] for target in panel["targets"]] == [chr(65 + n) for n in range(len(panel["targets"]))]


def source() -> dict:
    """The one data source that is provided."""
    (found,) = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())["datasources"]
    return found


def test_grafana_is_given_the_data_source_and_the_folder_of_the_dashboards():
    assert (source()["type"], source()["url"]) == ("prometheus", "http://prometheus:9090")
    (provider,) = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "lamplight.yml").read_text())["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
    titles = {json.loads(path.read_text())["title"] for path in DASHBOARDS}
    assert titles == {"Is it well?", "Money and epochs"}


@pytest.mark.django_db
def test_every_metric_that_an_alarm_or_a_dashboard_names_is_one_that_there_is():
    well()
    there = {name for name, _ in scrape.samples()} | {"up", "ALERTS"}
    # It has samples only while an alarm is open, or where the broker keeps the time.
    there |= {"lamplight_alarms_open"}
    named = {name for rule in rules() for name in METRIC.findall(rule["expr"])}
    named |= {name for path in DASHBOARDS for query in queries(path) for name in METRIC.findall(query)}
    assert named - there == set()
