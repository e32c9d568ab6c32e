"""What somebody can set, say, call, measure or be woken by stands in the documentation, and nothing else does."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from django.urls import URLPattern
from django.utils import timezone

from accounts.roles import ALLOWED, APART_FROM_MAKERS, NEED_SECOND_FACTOR, Role
from docs.templates.hooks import SETTING, TARGET, settings_table, targets_table
from onchain.models import ProviderHealth
from tests.documents import DOCS, tables
from tests.pages.factories import scene
from tests.test_docs import commands, variables

REPOSITORY = DOCS.parent
APPS = ("accounts", "audit", "config", "onchain", "rewards")
RUNBOOK = (DOCS / "operators/runbook.md").read_text()
ENTRIES = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
PARTS = ("**What it means.**", "**What to do first.**", "**When to call whom.**")
FAMILIES = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of ours, read."""
    for app in APPS:
        for path in sorted((REPOSITORY / app).rglob("*.py")):
            yield path, ast.parse(path.read_text())


def calls() -> Iterator[tuple[Path, ast.Call, str]]:
    """Every call in a module of ours, with the name that it calls."""
    for path, module in sources():
        for node in ast.walk(module):
            if isinstance(node, ast.Call):
                yield path, node, ast.unparse(node.func)


def text_of(call: ast.Call, keyword: str) -> str | None:
    """The text that a call gives a keyword; None where it gives none, or none that stands there."""
    found = [each.value for each in call.keywords if each.arg == keyword]
    return found[0].value if found and isinstance(found[0], ast.Constant) and isinstance(found[0].value, str) else None


def own_alarms() -> dict[str, str]:
    """Every alarm that the service raises itself, and where: codes of programmes, kinds of the chain."""
    found: dict[str, str] = {}
    for path, call, name in calls():
        if name.endswith("alarms_set"):
            code = text_of(call, "code")
            assert code, f"{path}:{call.lineno}: write the alarm's code as a text, so that its runbook entry is found."
            found[code] = f"{path.name}:{call.lineno}"
        elif re.search(r"\bAlarm(\.objects\.\w*create)?$", name) and (kind := text_of(call, "kind")):
            found[kind] = f"{path.name}:{call.lineno}"
    for path, module in sources():
        for node in ast.walk(module):
            # An error that an alarm is made of says its kind itself (onchain/errors.py).
            for each in node.body if isinstance(node, ast.ClassDef) and node.name.endswith("Error") else ():
                value = getattr(each, "value", None)
                if re.match(r"kind\b.*=", ast.unparse(each)) and isinstance(value, ast.Constant):
                    found[value.value] = f"{path.name}:{each.lineno}"
    found.pop("alarm", None)  # the base's own, which no alarm is raised with
    return found


def rules() -> dict[str, str]:
    """Every alarm that is a rule of Prometheus, and its file."""
    found: dict[str, str] = {}
    for path in (REPOSITORY / "docker").rglob("*.y*ml"):
        found |= dict.fromkeys(re.findall(r"^\s*-?\s*alert:\s*(\w+)", path.read_text(), re.MULTILINE), path.name)
    return found


def test_every_alarm_has_an_entry_in_the_runbook_that_says_what_it_means_what_to_do_and_whom_to_call():
    known = own_alarms()
    assert {"paused", "safe", "rescoring", "reorg_below_final", "wrong_chain", "providers_disagree"} <= set(known)
    missing = [f"{name} ({where})" for name, where in sorted(known.items()) if name not in ENTRIES]
    assert missing == [], f"docs/operators/runbook.md has no entry ### `NAME` for {', '.join(missing)}."
    for name, entry in ENTRIES.items():
        assert name in known, f"docs/operators/runbook.md explains {name}, an alarm that nothing raises."
        lacking = [part for part in PARTS if part not in entry]
        assert lacking == [], f"The runbook's entry {name} lacks {' and '.join(lacking)}"


def test_every_rule_of_prometheus_is_explained_and_says_what_to_do_and_whom_to_call():
    text = (DOCS / "operators/alarms.md").read_text()
    entries = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
    whom = re.search(r"^## When Prometheus rings.*", RUNBOOK, re.MULTILINE | re.DOTALL)[0]
    assert "MoneyMissing" in rules()
    for name, where in sorted(rules().items()):
        assert name in entries, f"docs/operators/alarms.md has no entry ### {name} ({where})."
        assert "**What to do.**" in entries[name], f"The entry {name} of docs/operators/alarms.md lacks **What to do.**"
        assert f"`{name}`" in whom, f"docs/operators/runbook.md does not say whom to call when {name} ({where}) rings."


def test_every_setting_is_explained_where_the_page_of_settings_takes_it_from():
    table = settings_table((REPOSITORY / ".env.example").read_text())
    said = {name: text for name, _, text in SETTING.findall((REPOSITORY / ".env.example").read_text())}
    for name in sorted(variables()):
        assert f"| `{name}` |" in table, f".env.example, and so docs/reference/settings.md, lacks the setting {name}."
        assert len(said[name].split()) >= 3, f".env.example does not say in words what {name} is."
    assert "<!-- settings -->" in (DOCS / "reference/settings.md").read_text()


def test_every_management_command_stands_in_the_page_of_commands():
    text = (DOCS / "reference/commands.md").read_text()
    named = set(re.findall(r"^\| `manage\.py (\w+)", text, re.MULTILINE))
    missing, gone = set(commands()) - named, named - set(commands())
    assert not missing, f"docs/reference/commands.md has no line for manage.py {', '.join(sorted(missing))}."
    assert not gone, f"docs/reference/commands.md names {', '.join(sorted(gone))}, which is no command."


def test_every_make_target_says_what_it_does_where_the_page_of_targets_takes_it_from():
    makefile = (REPOSITORY / "Makefile").read_text()
    phony = set(" ".join(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)).split())
    # Installers that other targets call.
    missing = phony - {name for name, _ in TARGET.findall(makefile)} - {"chromium", "faketime", "prometheus", "redis"}
    assert not missing, f"The Makefile's {', '.join(sorted(missing))} lacks ` ## what it does`, which the docs show."
    assert targets_table(makefile).count("\n") >= 10
    assert "<!-- targets -->" in (DOCS / "reference/make.md").read_text()


def test_every_route_of_the_api_stands_in_its_page():
    # The site's own addresses first: they register what the API's are written with.
    importlib.import_module("config.urls")
    text = (DOCS / "api.md").read_text()
    named = re.findall(r"`([^`\s]+)`", "".join(line for line in text.splitlines() if line.startswith("| `")))
    for route in importlib.import_module("rewards.api.urls").urlpatterns:
        assert isinstance(route, URLPattern)
        path = re.sub(r"<\w+:(\w+)>", r"{\1}", str(route.pattern))
        ends = [name for name in named if path == name or (name.startswith("…/") and path.endswith(name[1:]))]
        assert ends, f"docs/api.md's table of routes has no line for {path}."


def test_the_table_of_the_security_page_says_of_every_deed_which_roles_may_do_it_and_nothing_else():
    [table] = [each for each in tables((DOCS / "security.md").read_text()) if each[0][1:2] == ["treasurer"]]
    roles = [Role(name) for name in table[0][1:]]
    said = {row[0]: {role for role, cell in zip(roles, row[1:], strict=True) if cell == "yes"} for row in table[1:]}
    # What everybody may do who has signed in is a sentence below the table.
    assert said == {deed.value: set(held) for deed, held in ALLOWED.items() if set(held) != set(Role)}
    assert set(roles) == set(APART_FROM_MAKERS) == set(NEED_SECOND_FACTOR)


@pytest.mark.django_db
def test_every_metric_stands_in_the_page_of_metrics_and_no_other(client, settings):
    settings.METRICS_OPEN = True
    scene(markets=("AAPL-PERP",))
    ProviderHealth.objects.create(name="a node", updated_at=timezone.now())
    scraped = client.get("/metrics").content.decode()
    measured = {name.removesuffix("_total") for name in re.findall(r"^# TYPE (\w+) ", scraped, re.MULTILINE)}
    assert {"lamplight_head_block", "lamplight_provider_calls", "lamplight_market_quarantined"} <= measured
    for _, call, name in calls():
        family = name.rpartition(".")[2].removesuffix("MetricFamily")
        if family in FAMILIES and call.args and isinstance(call.args[0], ast.Constant):
            measured.add(str(call.args[0].value).removesuffix("_total"))
    text = (DOCS / "reference/metrics.md").read_text()
    named = {name.removesuffix("_total") for name in re.findall(r"^\| `(\w+)`", text, re.MULTILINE)}
    missing = measured - named
    assert not missing, f"docs/reference/metrics.md has no line for {', '.join(sorted(missing))}."
    # Not every metric has a sample in this scene; but what is measured somewhere is written somewhere.
    texts = {node.value for _, module in sources() for node in ast.walk(module) if isinstance(node, ast.Constant)}
    gone = {name for name in named - measured if not texts & {name, name.removeprefix("lamplight_")}}
    assert not gone, f"docs/reference/metrics.md names {', '.join(sorted(gone))}, which nothing measures."


def test_every_page_has_a_place_in_the_navigation():
    # `mkdocs build --strict` says so as well (test_site.py); this one says it in a sentence.
    nav = yaml.safe_dump(yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text())["nav"])
    for path in sorted(DOCS.rglob("*.md")):
        name = path.relative_to(DOCS).as_posix()
        if not name.startswith(("decisions/", "templates/")):
            assert re.search(rf"\b{re.escape(name)}$", nav, re.MULTILINE), (
                f"docs/{name} is not in mkdocs.yml's nav: say for which readers it is."
            )
