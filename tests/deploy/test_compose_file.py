"""The compose file as Compose reads it: limits, rights and trust of every container."""

import ipaddress
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import Json, tool
from tests.shape.files import ROOT
from tracker.config import load

FILE = ROOT / "docker-compose.yml"
PROFILES = ("tls", "turn", "monitoring", "cluster", "sentinel")
# `secrets` has no network and writes into new volumes, which belong to root. Caddy's certificates
# are in such a volume, too, and it has no right of root but to open port 443.
ROOTS = {"secrets", "secrets-cluster", "secrets-sentinel", "caddy"}
RIGHTS = {name: ["NET_BIND_SERVICE"] for name in ("caddy", "turn")}
ICE = ("TRACKER_ICE_STUN", "TRACKER_ICE_TURN")
SECRET = "TRACKER_ICE_TURN_SECRET"  # which deploy/secrets.sh writes
LEAST_MEMORY = 32 << 20
DIGEST = "@sha256:" + "0" * 64


@cache
def read(**environment: str) -> Json:
    """The file with all profiles and these variables."""
    done = subprocess.run(
        [tool("docker-compose"), "--file", FILE, "config", "--no-env-resolution"],
        env={
            "PATH": os.environ["PATH"],
            "COMPOSE_PROFILES": ",".join(PROFILES),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


SERVICES: dict[str, Json] = (
    read()["services"] if (Path(sys.executable).parent / "docker-compose").exists() else {}
)
each_service = pytest.mark.parametrize("name", SERVICES)


def test_all_profiles_are_read() -> None:
    assert {"http", "caddy", "prometheus", "redis-6", "redis-sentinel-3"} <= read()[
        "services"
    ].keys()


@each_service
def test_memory_and_processes_of_each_container_are_limited(name: str) -> None:
    service = SERVICES[name]
    assert int(service["mem_limit"]) >= LEAST_MEMORY
    assert service["memswap_limit"] == service["mem_limit"]  # no swap
    assert 0 < service["pids_limit"] <= 256


@each_service
def test_a_container_has_no_rights_and_writes_nothing(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert ["ALL"] == service["cap_drop"]
    assert RIGHTS.get(name, []) == service.get("cap_add", [])
    assert ["no-new-privileges:true"] == service["security_opt"]
    user = service.get("user", "0").partition(":")[0]
    assert (user == "0") == (name in ROOTS)
    assert "privileged" not in service


@each_service
def test_every_image_has_a_version_and_can_be_pinned(name: str) -> None:
    assert re.search(r":v?[0-9]+\.[0-9]+", SERVICES[name]["image"])
    variables = re.findall(r"\$\{([A-Z_]*IMAGE):-", FILE.read_text())
    pinned = read(**dict.fromkeys(variables, f"pinned{DIGEST}"))["services"]
    assert f"pinned{DIGEST}" == pinned[name]["image"]


@pytest.mark.parametrize(("name", "proxy"), [("http", "balancer"), ("udp", "balancer-udp")])
def test_a_frontend_trusts_only_its_load_balancer(name: str, proxy: str) -> None:
    environment = SERVICES[name]["environment"]
    settings = load({}, {"TRACKER_TRUSTED_PROXIES": environment["TRACKER_TRUSTED_PROXIES"]})
    address = ipaddress.ip_network(SERVICES[proxy]["networks"]["front"]["ipv4_address"])
    assert (address,) == settings.listen.trusted_proxies


def test_no_other_service_trusts_a_proxy() -> None:
    trusting = {
        name
        for name, service in SERVICES.items()
        if "TRACKER_TRUSTED_PROXIES" in service.get("environment", {})
    }
    assert {"http", "udp"} == trusting


def test_fixed_addresses_are_outside_of_the_range_of_changing_ones() -> None:
    networks = read()["networks"]
    fixed = [
        (name, ipaddress.ip_address(each["ipv4_address"]))
        for service in SERVICES.values()
        for name, each in service.get("networks", {}).items()
        if each and "ipv4_address" in each
    ]
    assert len(fixed) == len(set(fixed)) == 6
    for name, address in fixed:
        (config,) = networks[name]["ipam"]["config"]
        assert address in ipaddress.ip_network(config["subnet"])
        assert address not in ipaddress.ip_network(config["ip_range"])


def test_the_network_of_load_balancers_can_be_another() -> None:
    services = read(FRONT_NETWORK="10.9.8")["services"]
    assert "10.9.8.2" == services["http"]["environment"]["TRACKER_TRUSTED_PROXIES"]
    for name in ("balancer", "balancer-tls"):
        environment = services[name]["environment"]
        address = services[name]["networks"]["front"]["ipv4_address"]
        assert f"{address}:8405" == environment["ADMIN"]
        caddy = services["caddy"]["networks"]["front"]["ipv4_address"]
        assert caddy == environment["CADDY"]
    tls = services["balancer-tls"]["networks"]["front"]["ipv4_address"]
    assert tls == services["caddy"]["environment"]["BALANCER_TLS"]
    balancer = services["balancer"]["networks"]["front"]["ipv4_address"]
    assert balancer == services["caddy"]["environment"]["BALANCER"]


def test_browsers_learn_of_stun_and_turn_when_it_has_a_name() -> None:
    assert not any(read()["services"]["http"]["environment"][each] for each in ICE)
    environment = read(TURN_HOST="turn.example.com", TURN_PORT="443")["services"]["http"][
        "environment"
    ]
    ice = load({}, {name: environment[name] for name in ICE} | {SECRET: "0" * 64}).ice
    assert ("stun:turn.example.com:443",) == ice.stun
    assert ("turn:turn.example.com:443", "turn:turn.example.com:443?transport=tcp") == ice.turn


def test_redis_gets_its_containers_memory() -> None:
    redis = read(REDIS_MEMORY="4gb")["services"]["redis"]
    assert "4gb" == redis["environment"]["MEMORY"]
    assert 4 << 30 == int(redis["mem_limit"])


def test_redis_and_sentinels_are_in_the_private_network_only() -> None:
    for name, service in SERVICES.items():
        if name.startswith("redis"):
            assert {"data"} == service["networks"].keys()
            assert "ports" not in service
