"""Loads settings: from flags, environment, secret files and a TOML file, in this order of weight.

The least weight have ``PORT`` and ``REDIS_URL``, which many hosting platforms set.

In the text of flags, environment and secret files a list is comma separated. An empty variable
or secret file counts as not given, since compose files pass on what they don't have as empty.
Unknown names are errors in every source.
"""

import tomllib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple, cast, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from tracker.settings import Section, Settings
from tracker.text import did_you_mean

PREFIX: Final = "TRACKER_"
PLATFORM: Final = ("PORT", "REDIS_URL")  # variables without the prefix
CONFIG_VARIABLE: Final = PREFIX + "CONFIG"  # path of the TOML file, if not told by flag
SECRETS_VARIABLE: Final = PREFIX + "SECRETS_DIR"  # directory of files named like variables
_UNNAMED_SECTION = "listen"  # left out of flags and variables

_TYPES: Final = {  # of pydantic's errors, in the words of people who write settings
    "must be a whole number": ("int_parsing", "int_type", "int_from_float", "int_parsing_size"),
    "must be a number": ("float_parsing", "float_type", "finite_number"),
    "must be true or false": ("bool_parsing", "bool_type"),
    "must be text": ("string_type", "path_type"),
    "must be a list": ("tuple_type", "frozen_set_type"),
    "must be a section": ("model_type",),
    "must not be empty": ("too_short",),
    "must be an IP address": ("ip_v4_address", "ip_v6_address", "ip_any_address"),
    "must be IP networks, such as 10.0.0.0/8": (
        "ip_v4_network",
        "ip_v6_network",
        "ip_any_network",
    ),
}
_WORDS: Final = {kind: words for words, kinds in _TYPES.items() for kind in kinds}


class ConfigError(Exception):
    """Settings that cannot be used; `problems` has one line for each thing to mend."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Entry(NamedTuple):
    """One setting, and what it is called where."""

    section: str
    field: str
    info: FieldInfo

    @property
    def name(self) -> str:
        """As in the TOML file: ``ws.interval``."""
        return f"{self.section}.{self.field}"

    @property
    def variable(self) -> str:
        """As in the environment: ``TRACKER_WS_INTERVAL``."""
        return PREFIX + "_".join(self._words).upper()

    @property
    def flag(self) -> str:
        """As on the command line: ``--ws-interval``."""
        return "--" + "-".join(self._words).replace("_", "-")

    @property
    def is_list(self) -> bool:
        """It holds any number of values."""
        return get_origin(self.info.annotation) in (tuple, frozenset)

    @property
    def is_secret(self) -> bool:
        """Its value must not be shown."""
        return SecretStr in (self.info.annotation, *get_args(self.info.annotation))

    @property
    def default(self) -> object:
        """Its default in JSON's types; sets are sorted."""
        value = _DEFAULTS[self.section][self.field]
        unordered = get_origin(self.info.annotation) is frozenset
        return sorted(value) if unordered and isinstance(value, list) else value

    @property
    def _words(self) -> tuple[str, ...]:
        return (self.field,) if self.section == _UNNAMED_SECTION else (self.section, self.field)


def section_type(name: str) -> type[Section]:
    """The class of a section, whose docstring says what it is about."""
    return cast(type[Section], Settings.model_fields[name].annotation)


_DEFAULTS: Final = Settings().model_dump(mode="json")
ENTRIES: Final = tuple(
    Entry(section, field, info)
    for section in Settings.model_fields
    for field, info in section_type(section).model_fields.items()
)
_BY_NAME: Final = {entry.name: entry for entry in ENTRIES}
_BY_VARIABLE: Final = {entry.variable: entry for entry in ENTRIES}


class _Given(NamedTuple):
    """A value that somebody asked for."""

    entry: Entry
    value: object
    source: str  # for people: a flag, a variable, or a place in a file


class _Unknown(NamedTuple):
    """A name that is no setting."""

    name: str
    source: str
    known: Mapping[str, Entry]  # the names that it may be a misspelling of


def load(
    flags: Mapping[str, object], environment: Mapping[str, str], file: Path | None = None
) -> Settings:
    """Settings of all sources together.

    Args:
        flags: values by the setting's name (``ws.interval``), only of flags that were given.
        environment: of which `PLATFORM` and names that begin with ``TRACKER_`` are read.
        file: TOML; None: what ``TRACKER_CONFIG`` names, if anything.

    Raises:
        ConfigError: a source cannot be read, or has unknown names or bad values.
    """
    found = chain(  # the later one wins
        _from_platform(environment),
        _from_file(file or environment.get(CONFIG_VARIABLE)),
        _from_secrets(environment.get(SECRETS_VARIABLE)),
        _from_environment(environment),
        _from_flags(flags),
    )
    given: dict[str, _Given] = {}
    problems = []
    for item in found:
        if isinstance(item, _Given):
            given[item.entry.name] = item
        else:
            problems.append(_describe_unknown(item))
    return _validate(given, problems)


def _from_flags(flags: Mapping[str, object]) -> Iterator[_Given]:
    for name, value in flags.items():
        entry = _BY_NAME[name]
        yield _Given(entry, _parse(entry, value), entry.flag)


def _from_platform(environment: Mapping[str, str]) -> Iterator[_Given | _Unknown]:
    for variable in PLATFORM:
        yield from _from_variable(PREFIX + variable, environment.get(variable, ""), variable)


def _from_environment(environment: Mapping[str, str]) -> Iterator[_Given | _Unknown]:
    for variable, value in environment.items():
        if not variable.startswith(PREFIX) or variable in (CONFIG_VARIABLE, SECRETS_VARIABLE):
            continue
        yield from _from_variable(variable, value, variable)


def _from_secrets(directory: str | None) -> Iterator[_Given | _Unknown]:
    """Files of other names are left alone: such directories also hold what isn't ours."""
    if not directory:
        return
    try:
        for file in sorted(Path(directory).iterdir()):
            if file.name.startswith(PREFIX):
                yield from _from_variable(file.name, file.read_text().strip(), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the secrets of {directory}: {error}") from error


def _from_variable(variable: str, value: str, source: str) -> Iterator[_Given | _Unknown]:
    entry = _BY_VARIABLE.get(variable)
    if entry is None:
        yield _Unknown(variable, source, _BY_VARIABLE)
    elif value:
        yield _Given(entry, _parse(entry, value), source)


def _from_file(file: Path | str | None) -> Iterator[_Given | _Unknown]:
    if not file:
        return
    try:
        content = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {file}: {error}") from error
    for name, value in _flatten(content):
        if entry := _BY_NAME.get(name):
            yield _Given(entry, value, str(file))
        else:
            yield _Unknown(name, str(file), _BY_NAME)


def _flatten(content: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Each setting of a TOML file by its name; what stands outside of sections by its key."""
    for section, table in content.items():
        if isinstance(table, dict):
            yield from ((f"{section}.{field}", value) for field, value in table.items())
        else:
            yield section, table


def _parse(entry: Entry, value: object) -> object:
    """Text to a list where the setting is one; all else is left to pydantic."""
    if not entry.is_list or not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _validate(given: Mapping[str, _Given], problems: list[str]) -> Settings:
    values: dict[str, dict[str, object]] = {}
    for entry, value, _ in given.values():
        values.setdefault(entry.section, {})[entry.field] = value
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        raise ConfigError(*problems, *_describe(details, given)) from None  # it shows secrets
    if problems:
        raise ConfigError(*problems)
    return settings


def _describe_unknown(unknown: _Unknown) -> str:
    place = "" if unknown.source == unknown.name else f" in {unknown.source}"
    return f"unknown setting {unknown.name}{place}{did_you_mean(unknown.name, unknown.known)}"


def _describe(details: list[ErrorDetails], given: Mapping[str, _Given]) -> list[str]:
    """A line for each setting or section that is wrong, however many rules it breaks."""
    reasons: dict[str, dict[str, None]] = {}
    for detail in details:
        name = ".".join(map(str, detail["loc"][:2]))  # beyond: an item of a list, a type of a union
        reasons.setdefault(name, {})[_reason(detail)] = None
    return [
        f"{_describe_origin(name, given)}: {'; '.join(messages)}"
        for name, messages in reasons.items()
    ]


def _reason(detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    for theirs in ("Input should", "String should"):
        message = message.replace(f"{theirs} ", "must ", 1)
    return _WORDS.get(detail["type"], message)


def _describe_origin(name: str, given: Mapping[str, _Given]) -> str:
    if item := given.get(name):
        value = "" if item.entry.is_secret else f" = {item.value!r}"
        return f"{name}{value} (from {item.source})"
    # A rule between settings: of one section, or of all where there is no name.
    sources = dict.fromkeys(i.source for i in given.values() if name in ("", i.entry.section))
    return f"{name or 'settings'} (from {', '.join(sources)})"
