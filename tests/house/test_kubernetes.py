"""The manifests as Kustomize renders them (the one in kubectl), checked by Kubernetes' schemas."""

import copy
import re
import shutil
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml  # type: ignore[import-untyped]

from common.tasks import all_contracts, queue_name
from engine.__main__ import _tasks
from engine.lane import STOP_TIME
from tests.house.keda import SCHEMAS
from tests.house.sources import ROOT
from tests.house.test_compose import KNOWN, NEEDED_SECRETS, SECRETS

KUBECTL = Path(sys.executable).with_name("kubectl")
OVERLAYS = ["external", "trying"]
OURS = {"api", "engine", "captions", "search", "migrate"}
Manifest = dict[str, Any]


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Manifest]]:
    """Each overlay's manifests, with secrets as docker/secrets.sh makes them."""
    folder = tmp_path_factory.mktemp("kubernetes") / "kubernetes"
    without = shutil.ignore_patterns("secrets")
    shutil.copytree(ROOT / "docker" / "kubernetes", folder, ignore=without)
    return {name: _render(folder / "overlays" / name) for name in OVERLAYS}


def _render(overlay: Path) -> list[Manifest]:
    subprocess.run(["sh", ROOT / "docker" / "secrets.sh", overlay / "secrets"], check=True)
    done = subprocess.run([KUBECTL, "kustomize", overlay], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def validate(manifest: Manifest) -> None:
    """Raises jsonschema's ValidationError for what a cluster would not take."""
    if schema := SCHEMAS.get(manifest["kind"]):
        jsonschema.validate(manifest, schema)
    else:
        kubernetes_validate.validate(manifest, "1.34", strict=True)


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    [found] = [
        each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name)
    ]
    return found


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """The pods that there will be, by the names of what makes them."""
    makers = ("Deployment", "StatefulSet", "Job")
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in manifests
        if each["kind"] in makers
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_cluster_takes_every_manifest(rendered: dict[str, list[Manifest]], overlay: str) -> None:
    manifests = rendered[overlay]
    assert len(manifests) > 15
    for manifest in manifests:
        validate(manifest)
        if manifest["kind"] != "Namespace":
            assert manifest["metadata"]["namespace"] == "afterimage"


@pytest.mark.parametrize(
    ("kind", "name", "path", "value"),
    [
        ("Deployment", "api", "spec.replicas", "two"),
        ("Deployment", "api", "spec.template.spec.conteiners", []),
        ("Deployment", "engine", "spec.selector", "engine"),
        ("Job", "migrate", "spec.template.spec.restartPolicy", 1),
        ("Ingress", "api", "spec.rules", {}),
        ("ScaledObject", "captions", "spec.minReplicaCount", "0"),
        ("ScaledObject", "captions", "spec.minReplicas", 0),
        ("TriggerAuthentication", "rabbitmq", "spec.secretTargetRef", "keda"),
    ],
)
def test_a_manifest_that_is_wrong_is_noticed(
    rendered: dict[str, list[Manifest]], kind: str, name: str, path: str, value: object
) -> None:
    manifest = copy.deepcopy(named(rendered["external"], kind, name))
    *way, last = path.split(".")
    place = manifest
    for step in way:
        place = place[step]
    place[last] = value
    with pytest.raises(jsonschema.ValidationError):
        validate(manifest)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_pod_has_rights(rendered: dict[str, list[Manifest]], overlay: str) -> None:
    for name, pod in pods(rendered[overlay]).items():
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            rights = container["securityContext"]
            assert rights["capabilities"] == {"drop": ["ALL"]}
            assert rights["allowPrivilegeEscalation"] is False
            keeps_data = name in {"mysql", "rabbitmq", "s3"}
            assert rights.get("readOnlyRootFilesystem", False) == (not keeps_data)
            assert container["resources"].keys() == {"requests", "limits"}


def test_settings_are_known_and_none_is_a_secret(rendered: dict[str, list[Manifest]]) -> None:
    [settings] = [each for each in rendered["external"] if each["kind"] == "ConfigMap"]
    assert settings["data"].keys() <= KNOWN.keys() - SECRETS


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("name", sorted(OURS))
def test_a_pod_mounts_the_secrets_that_it_needs_and_no_other(
    rendered: dict[str, list[Manifest]], overlay: str, name: str
) -> None:
    manifests = rendered[overlay]
    pod = pods(manifests)[name]
    [volume] = [each["secret"] for each in pod["volumes"] if each["name"] == "secrets"]
    kept = named(manifests, "Secret", volume["secretName"])["data"]
    mounted = {item["key"] for item in volume["items"]}
    assert mounted <= kept.keys()
    [container] = pod["containers"]
    files = {each["name"]: each["value"] for each in container["env"]}
    assert set(files.values()) == {f"/run/secrets/{key}" for key in mounted}
    assert {variable.removesuffix("_FILE") for variable in files} == NEEDED_SECRETS[name]
    for first in pod.get("initContainers", []):
        is_mounted = "secrets" in {mount["name"] for mount in first["volumeMounts"]}
        assert is_mounted == (first["name"] == "migrated"), "fetching models needs no secret"


def selected(policy: Manifest, label: str) -> bool:
    """Whether a policy applies to the pods of this `app`."""
    selector = policy["spec"]["podSelector"]
    wanted = selector.get("matchLabels", {}).get("app")
    among = [values for each in selector.get("matchExpressions", []) for values in each["values"]]
    return not selector or label == wanted or label in among


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_is_reached_by_those_that_need_it(
    rendered: dict[str, list[Manifest]], overlay: str
) -> None:
    policies = [each for each in rendered[overlay] if each["kind"] == "NetworkPolicy"]
    denied = named(rendered[overlay], "NetworkPolicy", "default-deny")["spec"]
    assert denied == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    ports: dict[str, set[int | str]] = {}
    for name in pods(rendered[overlay]):
        rules = [
            rule
            for each in policies
            if selected(each, name)
            for rule in each["spec"].get("ingress", [])
        ]
        assert all(rule["from"] and rule["ports"] for rule in rules), "from anywhere, to any port"
        ports[name] = {port["port"] for rule in rules for port in rule["ports"]}
    metrics = {5000, 9100}
    ours: dict[str, set[int | str]] = {
        "api": {"http", *metrics},
        "engine": {*metrics},
        "captions": {*metrics},
        "search": {*metrics},
        "migrate": set(),
    }
    servers: dict[str, set[int | str]] = {
        "mysql": {3306},
        "rabbitmq": {5672, 15672},
        "s3": {8333},
        "database-users": set(),
    }
    assert ports == (ours | servers if overlay == "trying" else ours)


def test_pods_reach_no_private_address_but_the_servers(
    rendered: dict[str, list[Manifest]],
) -> None:
    outside = named(rendered["external"], "NetworkPolicy", "outside")["spec"]
    [rule] = outside["egress"]
    [v4, v6] = [each["ipBlock"] for each in rule["to"]]
    for address in ("10.1.2.3", "169.254.169.254", "172.20.0.1", "192.168.1.1", "127.0.0.1"):
        assert any(ip_address(address) in ip_network(each) for each in v4["except"])
    assert any(ip_address("fd00::1") in ip_network(each) for each in v6["except"])


def engines(manifests: list[Manifest]) -> dict[str, list[str]]:
    """The tasks of each engine's deployment."""
    return {
        name: _tasks(pod["containers"][0]["command"][3:])
        for name, pod in pods(manifests).items()
        if pod["containers"][0]["image"].startswith("afterimage-engine") and name != "migrate"
    }


def test_every_task_is_somebodys_and_nobodys_twice(rendered: dict[str, list[Manifest]]) -> None:
    served = engines(rendered["external"])
    assert served.keys() == {"engine", "captions", "search"}
    assert sorted(task for tasks in served.values() for task in tasks) == sorted(all_contracts())


@pytest.mark.parametrize("name", ["engine", "captions"])
def test_engines_are_scaled_by_their_own_queues(
    rendered: dict[str, list[Manifest]], name: str
) -> None:
    manifests = rendered["external"]
    scaled = named(manifests, "ScaledObject", name)["spec"]
    assert scaled["scaleTargetRef"]["name"] == name
    assert scaled["minReplicaCount"] == (0 if name == "captions" else 1)
    assert "replicas" not in named(manifests, "Deployment", name)["spec"]
    pattern = re.compile(scaled["triggers"][0]["metadata"]["queueName"])
    queues = {queue_name(task, is_i) for task in all_contracts() for is_i in (False, True)}
    counted = {queue for queue in queues | {"afterimage.dead-letters"} if pattern.search(queue)}
    tasks = engines(manifests)[name]
    assert counted == {queue_name(task, is_i) for task in tasks for is_i in (False, True)}


def test_who_is_stopped_has_time_to_end(rendered: dict[str, list[Manifest]]) -> None:
    found = pods(rendered["external"])
    assert found["api"]["terminationGracePeriodSeconds"] >= 45
    for name in engines(rendered["external"]):
        assert found[name]["terminationGracePeriodSeconds"] > STOP_TIME + 20


def test_metrics_are_not_shown_outside(rendered: dict[str, list[Manifest]]) -> None:
    manifests = rendered["external"]
    [rule] = named(manifests, "Ingress", "api")["spec"]["rules"]
    backends = {way["path"]: way["backend"]["service"]["name"] for way in rule["http"]["paths"]}
    assert backends == {"/metrics": "nobody", "/": "api"}
    assert "selector" not in named(manifests, "Service", "nobody")["spec"]


def test_the_api_takes_uploads_without_an_engine(rendered: dict[str, list[Manifest]]) -> None:
    [api] = pods(rendered["external"])["api"]["containers"]
    assert api["readinessProbe"]["httpGet"]["path"] == "/readyz?for=uploads"
    assert api["livenessProbe"]["httpGet"]["path"] == "/healthz"
