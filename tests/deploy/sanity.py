"""What is wrong with manifests that every validator lets pass.

Names that lead nowhere, numbers that don't fit each other, settings that are none. `problems`
returns a sentence for each; every check below is tried with a mistake of its kind by
``test_kubernetes_mistakes.py``.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import wraps
from typing import TypeAlias

from tests.deploy.manifests import Json, Manifest, Workload, name_of, selects, workloads
from tracker.cli.parsing import parse
from tracker.config import ConfigError, load

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi|Gi)?")
FACTORS = {
    unit: Decimal(factor)
    for unit, factor in (
        *(("m", "0.001"), ("k", 10**3), ("M", 10**6), ("G", 10**9)),
        *(("Ki", 2**10), ("Mi", 2**20), ("Gi", 2**30)),
    )
}
ENUMS = {
    "protocol": {"TCP", "UDP"},
    "imagePullPolicy": {"Always", "IfNotPresent", "Never"},
    "externalTrafficPolicy": {"Local", "Cluster"},
    "sessionAffinity": {"None", "ClientIP"},
    "ipFamilyPolicy": {"SingleStack", "PreferDualStack", "RequireDualStack"},
    "podManagementPolicy": {"Parallel", "OrderedReady"},
    "whenUnsatisfiable": {"DoNotSchedule", "ScheduleAnyway"},
    "pathType": {"Prefix", "Exact", "ImplementationSpecific"},
    "unhealthyPodEvictionPolicy": {"AlwaysAllow", "IfHealthyBudget"},
    "operator": {"In", "NotIn", "Exists", "DoesNotExist"},
}
MARGIN_S = 5  # to end in, after preStop and drain

Problems: TypeAlias = Iterator[str]
Check: TypeAlias = Callable[[list[Manifest]], Problems]


def problems(manifests: list[Manifest]) -> list[str]:
    """What is wrong, a sentence each; empty: nothing that we look for."""
    return [each for check in CHECKS for each in check(manifests)]


def _each(check: Callable[[list[Manifest], Workload], Problems]) -> Check:
    @wraps(check)
    def checked(manifests: list[Manifest]) -> Problems:
        for workload in workloads(manifests):
            for problem in check(manifests, workload):
                yield f"{workload.name}: {problem}"

    return checked


def _of(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [each for each in manifests if each["kind"] == kind]


def _names(manifests: list[Manifest], kind: str) -> set[str]:
    return {each["metadata"]["name"] for each in _of(manifests, kind)}


def _walk(node: Json) -> Iterator[tuple[str, Json]]:
    """All keys and values, at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


# -- all manifests --------------------------------------------------------------------------------


def names(manifests: list[Manifest]) -> Problems:
    """RFC 1123 labels, each once; all in one namespace."""
    for name, count in Counter(map(name_of, manifests)).items():
        if count > 1:
            yield f"{name}: stands there {count} times"
    for manifest in manifests:
        if not NAME.fullmatch(manifest["metadata"]["name"]):
            yield f"{name_of(manifest)}: not a name of RFC 1123"
    spaces = {
        each["metadata"].get("namespace") for each in manifests if each["kind"] != "Namespace"
    }
    if spaces != _names(manifests, "Namespace"):
        yield f"namespaces {spaces}: not the one that is made"


def enums(manifests: list[Manifest]) -> Problems:
    """Words of which there are few."""
    for manifest in manifests:
        for key, value in _walk(manifest.get("spec")):
            if isinstance(value, str) and value not in ENUMS.get(key, {value}):
                yield f"{name_of(manifest)}: {key} {value}"


def namespaces_are_restricted(manifests: list[Manifest]) -> Problems:
    """What the API server holds pods to."""
    for space in _of(manifests, "Namespace"):
        labels = space["metadata"].get("labels", {})
        if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{name_of(space)}: pods are not held to the restricted standard"


# -- pods -----------------------------------------------------------------------------------------


def selectors(manifests: list[Manifest], workload: Workload) -> Problems:
    """A workload finds its own pods and no other's, and spreads them."""
    selector = workload.manifest["spec"]["selector"]
    found = [other.name for other in workloads(manifests) if selects(selector, other.labels)]
    if found != [workload.name]:
        yield f"its selector means the pods of {found}"
    for spread in workload.pod.get("topologySpreadConstraints", []):
        if not selects(spread["labelSelector"], workload.labels):
            yield f"spread by {spread['topologyKey']} means other pods"
        for key in spread.get("matchLabelKeys", []):
            if key not in workload.labels and key != "pod-template-hash":
                yield f"spread by {spread['topologyKey']} asks for a label {key}"
    governing = workload.manifest["spec"].get("serviceName", "")
    if governing and governing not in _names(manifests, "Service"):
        yield f"there is no Service {governing}"


def ports(manifests: list[Manifest], workload: Workload) -> Problems:
    """Names of ports are unique, and probes know them."""
    named = [port["name"] for each in workload.containers for port in each.get("ports", [])]
    for name, count in Counter(named).items():
        if count > 1:
            yield f"{count} ports {name}"
    for container in workload.containers:
        for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
            port = container.get(probe, {}).get("httpGet", {}).get("port")
            if port is not None and port not in named:
                yield f"{probe}: no port {port}"


def resources(manifests: list[Manifest], workload: Workload) -> Problems:
    """Quantities are quantities, and no request exceeds its limit."""
    for container in workload.containers:
        requests, limits = (container["resources"].get(key, {}) for key in ("requests", "limits"))
        for what, text in (*requests.items(), *limits.items()):
            if not QUANTITY.fullmatch(str(text)):
                yield f"{what} {text}: not a quantity"
                return
        for what in requests.keys() & limits.keys():
            if _amount(requests[what]) > _amount(limits[what]):
                yield f"{what}: more is requested than allowed"
        if "memory" not in limits:
            yield "no limit of memory"


def _amount(text: object) -> Decimal:
    match = QUANTITY.fullmatch(str(text))
    assert match
    return Decimal(match[1]) * FACTORS.get(match[2], Decimal(1))


def references(manifests: list[Manifest], workload: Workload) -> Problems:
    """ConfigMaps, Secrets and their keys, volumes, accounts are there."""
    volumes = {each["name"]: each for each in workload.pod.get("volumes", [])}
    mounted = {m["name"] for each in workload.containers for m in each.get("volumeMounts", [])}
    if mounted != volumes.keys():
        yield f"mounts {sorted(mounted)} of the volumes {sorted(volumes)}"
    for volume in volumes.values():
        for source, kind, key in (
            ("configMap", "ConfigMap", "name"),
            ("secret", "Secret", "secretName"),
        ):
            if source in volume:
                wanted = {item["key"] for item in volume[source].get("items", [])}
                have = _keys(manifests, kind, volume[source][key])
                if have is None or wanted - have:
                    yield f"volume {volume['name']}: no {kind} {volume[source][key]} with {wanted}"
    for container in workload.containers:
        for source in container.get("envFrom", []):
            if _keys(manifests, "ConfigMap", source["configMapRef"]["name"]) is None:
                yield f"no ConfigMap {source['configMapRef']['name']}"
    account = workload.pod["serviceAccountName"]
    if account not in _names(manifests, "ServiceAccount"):
        yield f"no ServiceAccount {account}"


def _keys(manifests: list[Manifest], kind: str, name: str) -> set[str] | None:
    for each in _of(manifests, kind):
        if each["metadata"]["name"] == name:
            return set(each.get("data", {}))
    return None


def scripts(manifests: list[Manifest], workload: Workload) -> Problems:
    """Files that are run from mounted ConfigMaps are in them."""
    for container in workload.containers:
        mounts = {each["mountPath"]: each["name"] for each in container.get("volumeMounts", [])}
        run = [value for key, value in _walk(container) if key in ("command", "args")]
        for word in (word for words in run for word in words if word.startswith("/etc/")):
            directory, _, file = word.rpartition("/")
            held = {
                key
                for volume in workload.pod["volumes"]
                if volume["name"] == mounts.get(directory)
                for key in _keys(manifests, "ConfigMap", volume["configMap"]["name"]) or ()
            }
            if file not in held:
                yield f"no file {word}"


def images(manifests: list[Manifest], workload: Workload) -> Problems:
    """Each has a tag, and one that stays."""
    for container in workload.containers:
        _, colon, tag = container["image"].rpartition(":")
        if not colon or tag == "latest":
            yield f"image {container['image']}: which version?"


# -- the tracker's own pods -----------------------------------------------------------------------


def settings(manifests: list[Manifest], workload: Workload) -> Problems:
    """Every variable is a setting with a value that it takes; flags are flags."""
    for container in workload.containers:
        environment = _environment(manifests, container)
        if container["name"] != "tracker":
            if strange := [each for each in environment if each.startswith("TRACKER_")]:
                yield f"not a tracker, but has {strange}"
            continue
        told = {key: v for key, v in environment.items() if key != "TRACKER_SECRETS_DIR"}
        try:
            arguments = vars(parse(container["args"]))
            flags = {k: v for k, v in arguments.items() if "." in k and v is not None}
            configured = load(flags, told)
        except (SystemExit, ConfigError) as error:
            yield f"settings: {error}"
            continue
        pause_s = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {"seconds": 0})
        serves = container["args"][0] == "serve" and "ws" in configured.listen.only
        browsers_s = configured.ws.drain if serves else 0
        needed_s = pause_s["seconds"] + browsers_s + configured.listen.drain + MARGIN_S
        if needed_s > workload.pod["terminationGracePeriodSeconds"]:
            yield f"is killed before it has drained, which takes up to {needed_s} s"
        served = {port for _, port, _ in workload.ports()}
        admin = int(configured.listen.admin.rpartition(":")[2])
        if not {admin} <= served <= {admin, configured.listen.port}:
            yield f"ports {served}: it listens on others"
        secret = environment.get("TRACKER_SECRETS_DIR")
        if secret not in [each["mountPath"] for each in container["volumeMounts"]]:
            yield f"nothing is mounted at {secret}"


def _environment(manifests: list[Manifest], container: Json) -> dict[str, str]:
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        for each in _of(manifests, "ConfigMap"):
            if each["metadata"]["name"] == source["configMapRef"]["name"]:
                found |= each["data"]
    return found | {each["name"]: each.get("value", "") for each in container.get("env", [])}


# -- what leads to pods ---------------------------------------------------------------------------


def services(manifests: list[Manifest]) -> Problems:
    """Each leads to pods of one workload, and to a port that they have."""
    for service in _of(manifests, "Service"):
        spec = service["spec"]
        pods = [w for w in workloads(manifests) if spec["selector"].items() <= w.labels.items()]
        if len(pods) != 1:
            yield f"{name_of(service)}: leads to {[each.name for each in pods]}"
            continue
        have = {(name, protocol) for name, _, protocol in pods[0].ports()}
        for port in spec["ports"]:
            if (port["targetPort"], port["protocol"]) not in have:
                yield f"{name_of(service)}: no port {port['targetPort']} {port['protocol']}"
        if spec["type"] == "LoadBalancer" and spec.get("externalTrafficPolicy") != "Local":
            yield f"{name_of(service)}: loses the addresses of peers"


def ingresses(manifests: list[Manifest]) -> Problems:
    """Each leads to a Service and a port that it has."""
    served = {
        (each["metadata"]["name"], port["name"])
        for each in _of(manifests, "Service")
        for port in each["spec"]["ports"]
    }
    for ingress in _of(manifests, "Ingress"):
        for key, value in _walk(ingress["spec"]):
            if key == "service" and (value["name"], value["port"]["name"]) not in served:
                yield f"{name_of(ingress)}: no Service {value}"


def autoscalers(manifests: list[Manifest]) -> Problems:
    """Each scales a workload that leaves the number to it and requests what it measures."""
    by_name = {each.manifest["metadata"]["name"]: each for each in workloads(manifests)}
    for scaler in _of(manifests, "HorizontalPodAutoscaler"):
        spec, name = scaler["spec"], name_of(scaler)
        target = by_name.get(spec["scaleTargetRef"]["name"])
        if target is None or target.manifest["kind"] != spec["scaleTargetRef"]["kind"]:
            yield f"{name}: scales nothing"
            continue
        if not 1 <= spec["minReplicas"] <= spec["maxReplicas"]:
            yield f"{name}: from {spec['minReplicas']} to {spec['maxReplicas']}"
        if "replicas" in target.manifest["spec"]:
            yield f"{name}: {target.name} says how many, too"
        for metric in (each["resource"]["name"] for each in spec["metrics"] if "resource" in each):
            if not all(metric in each["resources"]["requests"] for each in target.containers):
                yield f"{name}: {target.name} requests no {metric}"


def budgets(manifests: list[Manifest]) -> Problems:
    """Each is about one workload, and lets a node be drained."""
    for budget in _of(manifests, "PodDisruptionBudget"):
        spec, name = budget["spec"], name_of(budget)
        pods = [w for w in workloads(manifests) if selects(spec["selector"], w.labels)]
        if len(pods) != 1:
            yield f"{name}: is about {[each.name for each in pods]}"
            continue
        if ("minAvailable" in spec) == ("maxUnavailable" in spec):
            yield f"{name}: one of minAvailable and maxUnavailable"
        elif spec.get("maxUnavailable") == 0:
            yield f"{name}: no node can ever be drained"
        elif spec.get("minAvailable", 0) >= _least(manifests, pods[0]):
            yield f"{name}: no node can be drained while {pods[0].name} is small"


def _least(manifests: list[Manifest], workload: Workload) -> int:
    """The smallest number of pods."""
    for scaler in _of(manifests, "HorizontalPodAutoscaler"):
        if scaler["spec"]["scaleTargetRef"]["name"] == workload.manifest["metadata"]["name"]:
            return int(scaler["spec"]["minReplicas"])
    return int(workload.manifest["spec"].get("replicas", 1))


def policies(manifests: list[Manifest]) -> Problems:
    """Each is about pods and ports that are there; no port of a pod is shut for everybody."""
    pods = workloads(manifests)
    open_ports: set[tuple[str, int, str]] = set()
    for policy in _of(manifests, "NetworkPolicy"):
        spec = policy["spec"]
        meant = [each for each in pods if selects(spec["podSelector"], each.labels)]
        if not meant:
            yield f"{name_of(policy)}: is about no pod"
        for direction in ("ingress", "egress"):
            if spec.get(direction) and direction.capitalize() not in spec["policyTypes"]:
                yield f"{name_of(policy)}: {direction} without the type"
        for port in (port for rule in spec.get("ingress", []) for port in rule["ports"]):
            there = {
                (pod.name, port["port"], port["protocol"])
                for pod in meant
                if (port["port"], port["protocol"]) in {(n, p) for _, n, p in pod.ports()}
            }
            if not there:
                yield f"{name_of(policy)}: opens {port}, where nobody listens"
            open_ports |= there
    for pod in pods:
        for _, number, protocol in pod.ports():
            if (pod.name, number, protocol) not in open_ports:
                yield f"{pod.name}: no policy opens its port {number} {protocol}"


def monitors(manifests: list[Manifest]) -> Problems:
    """Each asks pods that are there at a port that they have."""
    for monitor in _of(manifests, "PodMonitor"):
        pods = [w for w in workloads(manifests) if selects(monitor["spec"]["selector"], w.labels)]
        if not pods:
            yield f"{name_of(monitor)}: asks no pod"
        for pod in pods:
            have = {name for name, _, _ in pod.ports()}
            for endpoint in monitor["spec"]["podMetricsEndpoints"]:
                if endpoint["port"] not in have:
                    yield f"{name_of(monitor)}: {pod.name} has no port {endpoint['port']}"


CHECKS: tuple[Check, ...] = (
    *(names, enums, namespaces_are_restricted, services, ingresses, autoscalers, budgets),
    *(policies, monitors),
    *map(_each, (selectors, ports, resources, references, scripts, images, settings)),
)
