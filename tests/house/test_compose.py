"""What the Compose file promises, read from the file: no Docker is needed."""

import re
from dataclasses import fields

import pytest

from api import gunicorn_conf as config
from api.gunicorn.settings import ServerSettings
from common.settings import Settings
from common.tasks import all_contracts
from engine.__main__ import _tasks
from engine.lane import STOP_TIME
from tests.house.compose import (
    CLOSED,
    COMPOSE,
    CONTENT,
    ENGINES,
    LASTING,
    ONCE,
    OURS,
    SERVICES,
    WINGS,
    room,
    seconds,
    size,
    with_defaults,
)
from tests.house.sources import ROOT

EXAMPLE = (ROOT / ".env.example").read_text()
BECOMING = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]
NOT_IN_SETTINGS = {spec.metadata["variable"] for spec in fields(ServerSettings)}
KNOWN = {spec.metadata["variable"]: spec for spec in Settings.__dataclass_fields__.values()}
SECRETS = {name for name, spec in KNOWN.items() if spec.metadata["secret"]}
SERVERS = {"DATABASE_URL", "BROKER_URL", "STORAGE_URL"}
NEEDED_SECRETS = {
    "api": SERVERS | {"JWT_SECRET"},
    "engine": SERVERS,
    "captions": SERVERS | {"OPENAI_API_KEY"},
    "search": SERVERS | {"INDEX_URL"},
    "migrate": {"DATABASE_URL"},
    "models": set(),
}


def test_the_services_are_there() -> None:
    ours = {"api", "engine", "captions", "search"}
    assert ours | {"nginx", "mysql", "rabbitmq", "s3", "prometheus", "grafana"} == LASTING
    assert {"migrate", "models", "database-users"} == ONCE


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_can_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    keepers = {"mysql", "rabbitmq", "s3"}  # these begin as root and become a user of their own
    assert service.get("cap_add", []) == (BECOMING if name in keepers else [])
    assert service.get("read_only", False) == (name not in keepers)


@pytest.mark.parametrize("name", sorted(LASTING))
def test_up_can_wait_for_a_service_that_lasts(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", sorted(ONCE))
def test_up_takes_the_end_of_a_one_shot_for_success(name: str) -> None:
    # Compose does so only where something that lasts waits for that end.
    waiting = [SERVICES[other].get("depends_on", {}).get(name) for other in LASTING]
    conditions = {needed["condition"] for needed in waiting if needed}
    assert conditions == {"service_completed_successfully"}


def test_every_task_is_somebodys_and_nobodys_twice() -> None:
    served = [_tasks(SERVICES[name]["command"][3:]) for name in sorted(ENGINES)]
    assert sorted(task for tasks in served for task in tasks) == sorted(all_contracts())


def test_what_is_asked_for_is_started_first() -> None:
    assert SERVICES["nginx"]["depends_on"] == {"api": {"condition": "service_healthy"}}
    for wing in WINGS:
        needed = SERVICES[wing]["depends_on"]
        for once in ("migrate", "database-users"):
            assert needed[once]["condition"] == "service_completed_successfully"
        assert {needed[name]["condition"] for name in ("rabbitmq", "s3")} == {"service_healthy"}


def test_an_api_is_up_once_uploads_can_be_taken() -> None:
    assert '"/readyz?for=uploads"' in SERVICES["api"]["healthcheck"]["test"][-1]


def test_who_is_stopped_has_time_to_end() -> None:
    assert seconds(SERVICES["api"]["stop_grace_period"]) > config.graceful_timeout + 10
    for name in ENGINES:
        assert seconds(SERVICES[name]["stop_grace_period"]) > STOP_TIME + 20
    assert SERVICES["nginx"]["stop_signal"] == "SIGQUIT"


def test_ports_are_published_on_loopback_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"nginx", "rabbitmq", "prometheus", "grafana"}
    shown = [with_defaults(port) for ports in published.values() for port in ports]
    assert all(port.startswith("127.0.0.1:") for port in shown)
    # Only the service's own may be opened to others.
    assert all("BIND_ADDRESS" in port for port in published.pop("nginx"))
    assert not any("BIND_ADDRESS" in port for ports in published.values() for port in ports)


def test_the_proxy_reaches_the_api_alone() -> None:
    nets = {name: set(service["networks"]) for name, service in SERVICES.items()}
    assert {name for name in nets if "front" in nets[name]} == {"nginx", "api"}
    assert nets["nginx"] == {"front"}


@pytest.mark.parametrize("wing", WINGS)
def test_every_setting_reaches_the_containers(wing: str) -> None:
    given = {name for name in SERVICES[wing]["environment"] if not name.endswith("_FILE")}
    wanted = (KNOWN.keys() - SECRETS) | NOT_IN_SETTINGS
    assert given | {"MODEL_DIR"} == wanted - {"MODEL_MIRROR"}  # only `models` needs a mirror


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_container_holds_the_secrets_that_it_needs_and_no_other(name: str) -> None:
    environment = SERVICES[name].get("environment", {})
    files = {
        variable: value for variable, value in environment.items() if variable.endswith("_FILE")
    }
    assert {variable.removesuffix("_FILE") for variable in files} == NEEDED_SECRETS[name]
    mounted = {f"/run/secrets/{secret}" for secret in SERVICES[name].get("secrets", [])}
    assert mounted == set(files.values())


def test_only_migrations_may_change_tables() -> None:
    users = {name: SERVICES[name]["environment"]["DATABASE_URL_FILE"] for name in OURS - {"models"}}
    assert users.pop("migrate") == "/run/secrets/database_url"
    assert users.pop("api") == "/run/secrets/database_url_api"
    assert set(users.values()) == {"/run/secrets/database_url_engine"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_cannot_take_the_machines_memory(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", with_defaults(service["mem_limit"]))
    assert 0 < service["pids_limit"] <= 1_000


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_a_full_tmp_leaves_a_service_memory_to_work_with(name: str) -> None:
    # What lies there counts towards the limit.
    assert room(SERVICES[name]) <= size(with_defaults(SERVICES[name]["mem_limit"])) * 3 / 4


def test_a_model_can_be_tried_where_it_is_installed() -> None:
    # `run models python -m engine.models add` loads it with its runtime, as an engine does.
    assert SERVICES["models"]["mem_limit"] == SERVICES["engine"]["mem_limit"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_secrets_come_as_files_that_the_service_is_given(name: str) -> None:
    service = SERVICES[name]
    files = {
        value.removeprefix("/run/secrets/")
        for variable, value in service.get("environment", {}).items()
        if re.search(r"_FILE$", variable)
    }
    assert files <= set(service.get("secrets", []))
    assert set(service.get("secrets", [])) <= CONTENT["secrets"].keys()
    assert SECRETS & service.get("environment", {}).keys() == set()


def test_no_password_is_read_from_the_environment_or_stands_here() -> None:
    asked_for = re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|KEY|TOKEN)\w*)", COMPOSE)
    assert asked_for == []
    said = [f"{key}" for service in SERVICES.values() for key in service.get("environment", {})]
    assert [key for key in said if re.search(r"(PASSWORD|SECRET|KEY)(?!.*_FILE$)", key)] == []


def test_the_example_of_env_names_what_compose_reads_and_nothing_else() -> None:
    interpolated = set(re.findall(r"\$\{(\w+)", COMPOSE)) - {"PORT"}  # the Makefile exports it
    passed_on = {name for name, value in SERVICES["api"]["environment"].items() if value is None}
    named = set(re.findall(r"^#?([A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))
    assert named == interpolated | passed_on


def test_the_example_of_env_states_the_defaults() -> None:
    defaults = dict(re.findall(r"\$\{(\w+):-([^}$]*)\}", COMPOSE))
    stated = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert stated
    assert {name: defaults[name] for name in stated} == stated


def test_only_our_images_are_without_a_version() -> None:
    for name, service in SERVICES.items():
        assert name in OURS or re.search(r":v?\d", service["image"]), name
