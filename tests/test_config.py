"""Settings from flags, environment, secret files and a TOML file."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from tracker.config import ENTRIES, ConfigError, load
from tracker.settings import Settings


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    directory = tmp_path / "secrets"
    directory.mkdir()
    return directory


def toml(directory: Path, text: str) -> Path:
    file = directory / "tracker.toml"
    file.write_text(text)
    return file


def problems(
    flags: dict[str, object] | None = None,
    environment: dict[str, str] | None = None,
    file: Path | None = None,
) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(flags or {}, environment or {}, file)
    return caught.value.problems


def test_without_any_source_all_is_default() -> None:
    assert Settings() == load({}, {"PATH": "/bin", "PORTS": "80", "PORT": ""})


def test_each_name_is_that_of_one_setting_only() -> None:
    for names in zip(*[(e.name, e.variable, e.flag) for e in ENTRIES], strict=True):
        assert len(ENTRIES) == len(set(names))


def test_names_follow_section_and_field() -> None:
    names = {e.name: (e.variable, e.flag) for e in ENTRIES}
    assert ("TRACKER_WS_MAX_OFFERS", "--ws-max-offers") == names["ws.max_offers"]
    assert ("TRACKER_PORT", "--port") == names["listen.port"]
    assert ("TRACKER_TLS_CERT", "--tls-cert") == names["tls.cert"]


def test_flags_outweigh_environment_secrets_and_file(tmp_path: Path, secrets: Path) -> None:
    file = toml(tmp_path, "[listen]\nport = 1\nbacklog = 1\nhttp_port = 1\nws_port = 1")
    for name in ("PORT", "BACKLOG", "HTTP_PORT"):
        (secrets / f"TRACKER_{name}").write_text("2\n")
    environment = {
        "TRACKER_SECRETS_DIR": str(secrets),
        "TRACKER_PORT": "3",
        "TRACKER_BACKLOG": "3",
    }
    listen = load({"listen.port": "4"}, environment, file).listen
    assert (4, 3, 2, 1) == (listen.port, listen.backlog, listen.http_port, listen.ws_port)


@pytest.mark.parametrize("name", ["listen.proxy_protocol", "udp.proxy_protocol"])
def test_heads_are_believed_only_from_proxies_that_are_named(name: str) -> None:
    (problem,) = problems({name: True})
    assert "whose heads to believe" in problem
    load({name: True, "listen.trusted_proxies": "10.0.0.0/8"}, {})


def test_the_one_port_that_a_host_gives_is_taken_unless_anything_else_is_said(
    tmp_path: Path,
) -> None:
    given = {"PORT": "10000"}
    assert 10_000 == load({}, given).listen.port
    assert 1 == load({}, given, toml(tmp_path, "[listen]\nport = 1")).listen.port
    assert 2 == load({}, given | {"TRACKER_PORT": "2"}).listen.port
    (problem,) = problems(environment={"PORT": "http"})
    assert "(from PORT)" in problem


def test_the_redis_of_the_platform_is_used_unless_a_setting_names_another(tmp_path: Path) -> None:
    def url(environment: dict[str, str], file: Path | None = None) -> str | None:
        secret = load({}, environment, file).redis.url
        return secret.get_secret_value() if secret else None

    given = {"REDIS_URL": "rediss://:secret@platform:6380"}
    assert "rediss://:secret@platform:6380" == url(given)
    assert "redis://file" == url(given, toml(tmp_path, '[redis]\nurl = "redis://file"'))
    assert "redis://own" == url(given | {"TRACKER_REDIS_URL": "redis://own"})
    assert given["REDIS_URL"] == url(given | {"TRACKER_REDIS_URL": ""})
    assert url({"REDIS_URL": ""}) is None
    (problem,) = problems(environment={"REDIS_URL": "postgres://:secret@platform"})
    assert "redis.url (from REDIS_URL)" in problem
    assert "secret" not in problem


def test_sources_add_up_within_a_section(tmp_path: Path) -> None:
    file = toml(tmp_path, "[ws]\nttl = 500")
    ws = load({}, {"TRACKER_WS_INTERVAL": "400"}, file).ws
    assert (400, 500) == (ws.interval, ws.ttl)


def test_the_file_may_be_named_by_the_environment_and_the_flag_wins(tmp_path: Path) -> None:
    file = toml(tmp_path, "[listen]\nport = 5")
    assert load({}, {"TRACKER_CONFIG": str(file)}).listen.port == 5
    assert load({}, {"TRACKER_CONFIG": "/nowhere"}, file).listen.port == 5


def test_lists_are_comma_separated_in_text_and_lists_in_toml(tmp_path: Path) -> None:
    expected = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    text = "10.0.0.0/8, fd00::/8,"
    file = toml(tmp_path, '[listen]\ntrusted_proxies = ["10.0.0.0/8", "fd00::/8"]')
    assert expected == load({"listen.trusted_proxies": text}, {}).listen.trusted_proxies
    assert expected == load({}, {"TRACKER_TRUSTED_PROXIES": text}).listen.trusted_proxies
    assert expected == load({}, {}, file).listen.trusted_proxies
    assert ("a.test", "b") == load({"listen.admin_hosts": "a.test,b"}, {}).listen.admin_hosts
    assert {"udp", "ws"} == load({}, {"TRACKER_ONLY": "udp,ws"}).listen.only


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("no", False)])
def test_switches_are_words_in_the_environment(text: str, value: bool) -> None:
    assert value == load({}, {"TRACKER_LOG_JSON_LINES": text}).log.json_lines


def test_empty_variables_and_secret_files_count_as_not_given(secrets: Path) -> None:
    (secrets / "TRACKER_REDIS_URL").write_text("\n")
    environment = {"TRACKER_SECRETS_DIR": str(secrets), "TRACKER_PORT": "", "TRACKER_CONFIG": ""}
    assert Settings() == load({}, environment)


def test_other_files_among_the_secrets_are_left_alone(secrets: Path) -> None:
    (secrets / "..data").mkdir()
    (secrets / "database").write_text("x")
    (secrets / "TRACKER_UDP_SECRET").write_text("hidden from all of you\n")
    secret = load({}, {"TRACKER_SECRETS_DIR": str(secrets)}).udp.secret
    assert secret is not None
    assert secret.get_secret_value() == "hidden from all of you"


def test_unknown_names_are_errors_in_every_source(tmp_path: Path, secrets: Path) -> None:
    file = toml(tmp_path, "colour = 1\nws = 2\n[listen]\nprot = 3\n[nothing]\nx = 4")
    (secrets / "TRACKER_UPD_SECRET").write_text("hidden")
    environment = {"TRACKER_SECRETS_DIR": str(secrets), "TRACKER_PROT": "1"}
    assert (
        f"unknown setting colour in {file}",
        f"unknown setting ws in {file}",
        f"unknown setting listen.prot in {file} (did you mean listen.port?)",
        f"unknown setting nothing.x in {file}",
        (
            f"unknown setting TRACKER_UPD_SECRET in {secrets / 'TRACKER_UPD_SECRET'} "
            f"(did you mean TRACKER_UDP_SECRET?)"
        ),
        "unknown setting TRACKER_PROT (did you mean TRACKER_PORT?)",
    ) == problems(environment=environment, file=file)


def test_each_bad_setting_is_one_line_that_names_its_source(tmp_path: Path) -> None:
    file = toml(tmp_path, "[udp]\nbatch = 0")
    environment = {"TRACKER_TRUSTED_PROXIES": "10.0.0.1/40,nonsense", "TRACKER_PROT": "1"}
    found = problems({"listen.port": "http"}, environment, file)
    assert (
        "unknown setting TRACKER_PROT (did you mean TRACKER_PORT?)",
        "listen.port = 'http' (from --port): must be a whole number",
        (
            "listen.trusted_proxies = ['10.0.0.1/40', 'nonsense'] (from TRACKER_TRUSTED_PROXIES): "
            "must be IP networks, such as 10.0.0.0/8"
        ),
        f"udp.batch = 0 (from {file}): must be greater than or equal to 1",
    ) == found


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("port = 1.5", "must be a whole number"),
        ("port = 65536", "must be less than or equal to 65535"),
        ("host = 3", "must be text"),
        ("drain = 'soon'", "must be a number"),
        ("proxy_protocol = 'perhaps'", "must be true or false"),
        ("only = 3", "must be a list"),
        ("only = []", "must not be empty"),
        ("client_header = '?'", "must match pattern '^[A-Za-z0-9-]*$'"),
        ("only = ['tcp']", "must be 'http', 'udp' or 'ws'"),
    ],
)
def test_a_value_of_a_wrong_type_is_explained_in_plain_words(
    content: str, reason: str, tmp_path: Path
) -> None:
    (found,) = problems(file=toml(tmp_path, f"[listen]\n{content}"))
    assert found.endswith(f": {reason}")


def test_settings_that_contradict_each_other_name_all_their_sources(tmp_path: Path) -> None:
    file = toml(tmp_path, "[ws]\nttl = 100")
    found = problems({"ws.interval": "200"}, {"TRACKER_TLS_KEY": "k"}, file)
    assert (
        "tls (from TRACKER_TLS_KEY): tls.cert and tls.key go together",
        f"ws (from {file}, --ws-interval): ws.ttl must exceed ws.interval",
    ) == found


def test_problems_never_show_a_secret(tmp_path: Path) -> None:
    file = toml(tmp_path, '[redis]\nurl = ["hunter2"]\n[udp]\nsecret = {hunter2 = "hunter2"}')
    found = problems(file=file)
    assert ["redis.url", "udp.secret"] == [line.split()[0] for line in found]
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize("secret", ["?", "hunter2", "?" * 15])
def test_a_udp_secret_that_can_be_guessed_is_refused_and_not_shown(secret: str) -> None:
    (problem,) = problems(environment={"TRACKER_UDP_SECRET": secret})
    assert "at least 16 bytes" in problem
    assert secret not in problem


def test_a_udp_secret_of_sixteen_bytes_is_taken() -> None:
    assert load({}, {"TRACKER_UDP_SECRET": "ü" * 8}).udp.secret


def test_an_error_does_not_carry_the_secret_in_its_history(tmp_path: Path) -> None:
    file = toml(tmp_path, '[redis]\nurl = ["hunter2"]')
    with pytest.raises(ConfigError) as caught:
        load({}, {}, file)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("text", ["[listen", "\x00", "port = 1\nport = 2"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, text: str) -> None:
    file = toml(tmp_path, text)
    (problem,) = problems(file=file)
    assert problem.startswith(f"cannot read {file}: ")


def test_a_missing_file_or_directory_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    (file_problem,) = problems(file=missing)
    (secrets_problem,) = problems(environment={"TRACKER_SECRETS_DIR": str(missing)})
    assert file_problem.startswith(f"cannot read {missing}: ")
    assert secrets_problem.startswith(f"cannot read the secrets of {missing}: ")


def test_a_secret_file_that_is_not_text_is_a_problem(secrets: Path) -> None:
    (secrets / "TRACKER_UDP_SECRET").write_bytes(b"\xff\xfe")
    (problem,) = problems(environment={"TRACKER_SECRETS_DIR": str(secrets)})
    assert problem.startswith(f"cannot read the secrets of {secrets}: ")


def test_a_source_that_names_the_admin_port_keeps_it_there(tmp_path: Path) -> None:
    (file := tmp_path / "tracker.toml").write_text('[listen]\nadmin = "127.0.0.1:8001"')
    assert load({}, {"TRACKER_ADMIN": ""}).listen.admin_moves
    assert not load({}, {"TRACKER_ADMIN": "127.0.0.1:8001"}).listen.admin_moves
    assert not load({"listen.admin": "127.0.0.1:8001"}, {}).listen.admin_moves
    assert not load({}, {}, file).listen.admin_moves
