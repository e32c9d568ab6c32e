"""docker/compose.yml against the Compose Specification's schema, against the programs it starts, and against rules."""

import json
import re
import subprocess
import sys
from argparse import ArgumentParser

import jsonschema
import pytest
from celery.bin.base import CLIContext
from celery.bin.beat import beat
from celery.bin.celery import celery
from celery.bin.worker import worker
from django.conf import settings
from django.core.management import get_commands, load_command_class
from uvicorn.main import main as uvicorn

from config.celery import app
from config.environment import SECRETS
from config.queues import QUEUES
from tests.deploy import compose

SERVICES = compose.document()["services"]
OURS = {name: service for name, service in SERVICES.items() if "lamplight" in service["image"].lower()}
PROCESSES = {"web", "worker", "figures", "relayer", "beat", "follower"}
KNOWN = set(re.findall(r"^# ([A-Z][A-Z0-9_]*)=", (compose.REPOSITORY / ".env.example").read_text(), re.MULTILINE))
SECRET_WORDS = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|_URL|_URLS")


def test_the_file_is_what_the_compose_specification_allows():
    schema = json.loads((compose.REPOSITORY / "tests/data/compose/compose-spec.json").read_text())
    resolved = compose.resolved(compose.example())
    problems = jsonschema.Draft202012Validator(schema).iter_errors(resolved)
    assert [f"{'/'.join(map(str, each.path))}: {each.message}" for each in problems] == []


def test_the_schema_refuses_what_is_not_in_the_specification():
    schema = json.loads((compose.REPOSITORY / "tests/data/compose/compose-spec.json").read_text())
    broken = compose.resolved(compose.example())
    broken["services"]["web"]["restarts"] = "always"
    assert not jsonschema.Draft202012Validator(schema).is_valid(broken)


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_is_one_that_exists_and_takes_its_options(name):
    program, *words = compose.resolved(compose.example())["services"][name]["command"]
    if program == "uvicorn":
        context = uvicorn.make_context("uvicorn", words)
        assert context.params["app"] == "config.asgi:application"
    elif program == "celery":
        kind = words[2]
        assert words[:2] == ["--app", "config"]
        command = {"worker": worker, "beat": beat}[kind]
        context = celery.make_context("celery", words)
        context.obj = CLIContext(app=app, no_color=True, workdir=None, quiet=True)
        command.make_context(kind, words[3:], parent=context)
    else:
        assert (program, words[0]) == ("python", "manage.py")
        parser: ArgumentParser = load_command_class(get_commands()[words[1]], words[1]).create_parser(*words[:2])
        parser.parse_args(words[2:])


def test_a_command_with_an_option_that_nobody_has_would_be_found():
    with pytest.raises(Exception, match="no-such-option"):
        uvicorn.make_context("uvicorn", ["config.asgi:application", "--no-such-option"])


def test_the_image_s_own_command_is_web_s():
    lines = (compose.REPOSITORY / "docker/Dockerfile").read_text().splitlines()
    (command,) = [json.loads(line.removeprefix("CMD ")) for line in lines if line.startswith("CMD ")]
    assert command == SERVICES["web"]["command"]


def test_every_process_of_the_service_is_there_and_each_queue_has_a_worker():
    assert set(OURS) >= PROCESSES | {"migrate"}
    taken = [
        queue
        for service in OURS.values()
        if "--queues" in service["command"]
        for queue in service["command"][service["command"].index("--queues") + 1].split(",")
    ]
    assert sorted(taken) == sorted(QUEUES)
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    assert routed <= set(QUEUES)


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_setting_is_in_the_example_of_settings(name):
    assert set(OURS[name]["environment"]) <= KNOWN


def test_every_variable_is_in_the_example_and_nothing_else():
    named = {match[1] for each in compose.strings(compose.document()) for match in compose.VARIABLE.findall(each)}
    assert named == set(compose.example())


def test_a_variable_that_must_be_set_says_what_it_is():
    values = compose.example()
    must = [name for name, _ in re.findall(r"\$\{([A-Z_]+):\?([^}]*)\}", compose.text())]
    assert set(must) == {"ALLOWED_HOSTS", "SITE_URL", "DEFAULT_FROM_EMAIL"}
    for name in must:
        with pytest.raises(compose.UnsetError, match=f"{name}: Set {name} in docker/.env"):
            compose.resolved({**values, name: ""})


def test_what_the_example_gives_is_what_counts_without_it():
    defaults = {
        match[1]: match[3]
        for each in compose.strings(compose.document())
        for match in compose.VARIABLE.findall(each)
        if match[2] == "-"
    }
    assert defaults.items() <= compose.example().items()


def test_no_secret_has_a_default_or_stands_in_the_file():
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if SECRET_WORDS.search(variable) and not variable.startswith(("SITE_", "GF_USERS", "GF_ANALYTICS")):
                assert str(value).startswith("/run/secrets/"), (name, variable)
    assert not {each for each in compose.example() if each in SECRETS}
    for secret, source in compose.document()["secrets"].items():
        assert source == {"file": "${SECRETS_DIR:-./secrets}/" + secret}


def test_every_secret_is_mounted_where_it_is_read_and_nowhere_else():
    for name, service in SERVICES.items():
        read = {each for each in compose.strings(service) if each.startswith("/run/secrets/")}
        read = {each.removeprefix("/run/secrets/") for each in read}
        # roles.sh and prometheus.yml name them in the files themselves.
        inside = {"db": {"database_url", "database_owner_url"}, "prometheus": {"metrics_token"}}.get(name, set())
        assert read | inside == set(service.get("secrets", [])), name


def test_each_key_is_with_one_process_and_the_owner_s_role_with_those_that_need_it():
    holders = {}
    for name, service in SERVICES.items():
        for secret in service.get("secrets", []):
            holders.setdefault(secret, set()).add(name)
    assert holders["proposer_keystore"] == holders["proposer_keystore_password"] == {"worker"}
    assert holders["relayer_keystore"] == holders["relayer_keystore_password"] == {"relayer"}
    assert holders["database_owner_url"] == {"db", "migrate", "backup", "restore"}
    assert holders["database_superuser_password"] == {"db"}
    assert not [each for each in holders if "attestor" in each or "treasury" in each or "guardian" in each]


def test_only_web_can_be_reached_and_the_database_has_no_way_out():
    assert [name for name, service in SERVICES.items() if service.get("ports")] == ["web"]
    assert compose.resolved(compose.example())["services"]["web"]["ports"] == ["127.0.0.1:8000:8000"]
    networks = compose.document()["networks"]
    inner = {name for name, network in networks.items() if network.get("internal")}
    for name in ("db", "queue", "migrate", "beat", "figures", "backup", "restore", "prometheus", "grafana"):
        assert set(SERVICES[name]["networks"]) <= inner, name
    assert not {"prometheus", "grafana"} & {name for name in SERVICES if "data" in SERVICES[name]["networks"]}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_bounded_restarts_and_ends_in_peace(name):
    service = SERVICES[name]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    # Beside those limits Compose refuses the older word for the same.
    assert "pids_limit" not in service
    assert service["restart"] in (
        {"backup": "no", "restore": "no", "migrate": "on-failure:5"}.get(name, "unless-stopped"),
    )
    assert re.fullmatch(r"\d+s", service["stop_grace_period"])
    assert "healthcheck" in service
    if name != "db":
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges=true"]
    assert re.search(r":(v?\d+\.\d+[\w.-]*|\$\{)|LAMPLIGHT_IMAGE", service["image"]), "an image without a version"


def test_a_process_has_longer_to_end_than_it_takes():
    web = SERVICES["web"]["command"]
    assert int(web[web.index("--timeout-graceful-shutdown") + 1]) < int(SERVICES["web"]["stop_grace_period"][:-1])
    for name in ("worker", "figures", "relayer"):
        assert SERVICES[name]["environment"]["REMAP_SIGTERM"] == "SIGQUIT"
        assert int(SERVICES[name]["stop_grace_period"][:-1]) > settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT


def test_only_what_writes_evidence_may_write_it():
    for name, service in OURS.items():
        for volume in service.get("volumes", []):
            if volume.startswith(("evidence:", "proofs:")):
                assert volume.endswith(":ro") == (name not in {"worker", "restore"}), (name, volume)


def test_the_image_s_recipe_has_nothing_that_the_linter_minds():
    linter = sys.executable.replace("/python", "/hadolint")
    done = subprocess.run(
        [linter, "docker/Dockerfile"], cwd=compose.REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_as_nobody_in_particular_and_installs_by_hash():
    recipe = (compose.REPOSITORY / "docker/Dockerfile").read_text()
    assert re.search(r"^USER 10001:10001$", recipe, re.MULTILINE)
    assert "--require-hashes --only-binary :all: -r requirements-production.txt" in recipe
    assert re.search(r"^ARG BASE=python:3\.11\.\d+-slim-\w+$", recipe, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", recipe, re.MULTILINE)


def test_what_the_image_copies_is_let_through_to_the_builder_and_nothing_else_is():
    recipe = (compose.REPOSITORY / "docker/Dockerfile").read_text()
    copied = {
        source.rstrip("/").replace("sit[e]", "site")
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", recipe, re.MULTILINE)
        for source in line.split()
    }
    ignore = (compose.REPOSITORY / ".dockerignore").read_text().splitlines()
    assert ignore[1] == "*"
    assert {line[1:].rstrip("/") for line in ignore if line.startswith("!")} == copied
