"""Which names of the admin port are answered."""

import pytest

from tracker.policy.admin_hosts import is_admin_host


@pytest.mark.parametrize(
    "host",
    [
        "",
        "127.0.0.1",
        "127.0.0.1:8001",
        "10.2.3.4:8001",
        "[::1]",
        "[2001:db8::1]:8001",
        "[::ffff:10.0.0.1]:8001",
        "localhost:8001",
        "tracker.localhost",
        "workers:8001",
        "tracker-0.tracker.ns.svc:8001",
        "tracker.ns.svc.cluster.local",
        "tracker.internal",
        "Admin.Example.com:8001",
        "admin.example.com.",
    ],
)
def test_addresses_and_private_names_are_allowed(host: str) -> None:
    assert is_admin_host(host, {"admin.example.com"})


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8001",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "x.admin.example.com",
        "svc.example",
        "[evil.example]",
        "[evil]",
        "evil.example:8001:1",
        "evil.example@127.0.0.1",
        "127.1.1",
        "999.1.1.1",
        "[::1",
        "é.example",
    ],
)
def test_names_that_anybody_can_register_are_refused(host: str) -> None:
    assert not is_admin_host(host, {"admin.example.com"})
