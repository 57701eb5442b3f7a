"""``tracker completion``: the completion script of a shell, made from the parsers of all commands.

A script lists everything, so a shell that completes a word does not start Python.
"""

from argparse import SUPPRESS, Action, ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, get_args, get_origin

from tracker.cli.flags import PATHS
from tracker.cli.output import print_line
from tracker.cli.parsing import HELP, configured, subcommands
from tracker.config import ENTRIES

_LONGEST: Final = 60  # characters of a description
_TOP: Final = "/"
_LITERALS: Final = {  # of settings with a choice of values, by name
    entry.name: get_args(literal)
    for entry in ENTRIES
    for literal in (entry.info.annotation, *get_args(entry.info.annotation))
    if get_origin(literal) is Literal
}


class _Option(NamedTuple):
    names: tuple[str, ...]
    about: str
    choices: tuple[str, ...]
    has_value: bool
    is_path: bool  # the value names a file or a directory


class _Place(NamedTuple):
    """A command, and what can follow it."""

    path: str  # such as /access/deny; / for the program itself
    words: dict[str, str]  # commands below or values of an argument -> description
    options: tuple[_Option, ...]


def configure(parser: ArgumentParser) -> None:
    """Add the shell."""
    parser.add_argument("shell", metavar="SHELL", choices=_SHELLS, help=" or ".join(_SHELLS))
    parser.epilog = _EPILOG


def run(arguments: Namespace) -> int:
    """Print the script."""
    places = list(_places(configured(), _TOP))
    for line in _SHELLS[arguments.shell](places):
        print_line(line)
    return 0


def _places(parser: ArgumentParser, path: str) -> Iterator[_Place]:
    below = subcommands(parser)
    words = {name: _about(each.description) for name, each in below.items()}
    options = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no public name for it
        if action.option_strings:
            options.append(_option(action))
        elif action.choices is not None and not below:
            words |= dict.fromkeys(map(str, action.choices), "")
    yield _Place(path, words, tuple(options))
    for name, each in below.items():
        if name != HELP:
            yield from _places(each, f"{path.rstrip('/')}/{name}")
    if path == _TOP:
        yield _Place(f"/{HELP}", words, ())


def _option(action: Action) -> _Option:
    choices = tuple(map(str, action.choices or _LITERALS.get(action.dest, ())))
    names, has_value = tuple(action.option_strings), action.nargs != 0
    return _Option(names, _about(action.help), choices, has_value, action.metavar in PATHS)


def _about(text: str | None) -> str:
    """Return the beginning of a help text, in which no shell finds anything special."""
    if not text or text is SUPPRESS:
        return ""
    plain = text.replace("%%", "%").replace("`", "").replace("'", "").replace("\\", "")
    first = plain.partition(" (default")[0].partition(" (TRACKER_")[0].removesuffix(".")
    return first if len(first) <= _LONGEST else first[: _LONGEST - 1] + "…"


def _paths(places: list[_Place]) -> str:
    """Return a pattern of `case` that all places match except the program itself."""
    return " | ".join(place.path for place in places if place.path != _TOP)


def _choices(places: list[_Place]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield a pattern of ``PLACE OPTION`` for each option with choices, and the choices."""
    for place in places:
        for option in place.options:
            if option.choices:
                yield _pattern(place, [option]), option.choices


def _free(places: list[_Place], *, paths: bool) -> Iterator[str]:
    """Yield for each place a pattern of ``PLACE OPTION``, for options whose values are not listed.

    Args:
        places: all of them.
        paths: whether the values are paths.
    """
    for place in places:
        free = [o for o in place.options if o.has_value and not o.choices and o.is_path == paths]
        if free:
            yield _pattern(place, free)


def _pattern(place: _Place, options: list[_Option]) -> str:
    names = (name for option in options for name in option.names)
    return " | ".join(f"'{place.path} {name}'" for name in names)


def _bash(places: list[_Place]) -> Iterator[str]:
    yield f"""\
# Completion of `tracker` for bash, made by `tracker completion bash`.
_tracker() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} place= word words=
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case $place/$word in
        {_paths(places)}) place=$place/$word ;;
        esac
    done
    place=${{place:-/}}
    if [ "$cur" = = ]; then cur=; prev=${{COMP_WORDS[COMP_CWORD - 1]}}; fi
    if [ "$prev" = = ]; then prev=${{COMP_WORDS[COMP_CWORD - 2]}}; fi
    case $place\\ $prev in"""
    for pattern, choices in _choices(places):
        yield f"    {pattern}) words='{' '.join(choices)}' ;;"
    for pattern in _free(places, paths=True):
        yield f"    {pattern}) ;;"
    for pattern in _free(places, paths=False):
        yield f"    {pattern}) compopt +o bashdefault +o default 2> /dev/null ;;"
    yield "    *)\n        case $place\\ $cur in"
    for path, words, options in places:
        names = [name for option in options for name in option.names]
        yield f"        '{path} -'*) words='{' '.join(names)}' ;;"
        yield f"        '{path} '*) words='{' '.join(words)}' ;;"
    yield """\
        esac
        ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o bashdefault -o default -F _tracker tracker"""


def _zsh(places: list[_Place]) -> Iterator[str]:
    yield f"""\
#compdef tracker
# Completion of `tracker` for zsh, made by `tracker completion zsh`.
_tracker() {{
    local cur=$words[CURRENT] prev=$words[CURRENT-1] place= word
    local -a found
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        case $place/$word in
        {_paths(places)}) place=$place/$word ;;
        esac
    done
    place=${{place:-/}}
    case "$place $prev" in"""
    for pattern, choices in _choices(places):
        yield f"    {pattern}) compadd -- {' '.join(choices)}; return ;;"
    for pattern in _free(places, paths=True):
        yield f"    {pattern}) _files; return ;;"
    for pattern in _free(places, paths=False):
        yield f"    {pattern}) return 1 ;;"
    yield '    esac\n    case "$place $cur" in'
    for path, words, options in places:
        described = [_described(name, option.about) for option in options for name in option.names]
        yield f"    '{path} -'*) found=({' '.join(described)}) ;;"
        described = [_described(name, about) for name, about in words.items()]
        yield f"    '{path} '*) found=({' '.join(described)}) ;;"
    yield """\
    esac
    if (( $#found )); then _describe tracker found; else _files; fi
}
if [[ $funcstack[1] = _tracker ]]; then
    _tracker "$@"
else
    compdef _tracker tracker
fi"""


def _described(name: str, about: str) -> str:
    return f"'{name}:{about}'" if about else f"'{name}'"


def _fish(places: list[_Place]) -> Iterator[str]:
    yield f"""\
# Completion of `tracker` for fish, made by `tracker completion fish`.
function __tracker_at
    set -l place
    for word in (commandline -opc)[2..-1]
        switch "$place/$word"
            case {" ".join(place.path for place in places if place.path != _TOP)}
                set place "$place/$word"
        end
    end
    test "$place" = $argv[1]
end"""
    for path, words, options in places:
        at = f"complete -c tracker -n '__tracker_at \"{'' if path == _TOP else path}\"'"
        for word, about in words.items():
            yield f"{at} -f -a {word} -d '{about}'"
        for option in options:
            names = [f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names]
            value = " -r -F" if option.is_path else " -x"
            if option.choices:
                value += f" -a '{' '.join(option.choices)}'"
            yield f"{at} {' '.join(names)}{value if option.has_value else ''} -d '{option.about}'"


_SHELLS: Final = {"bash": _bash, "zsh": _zsh, "fish": _fish}
_EPILOG: Final = """\
`make install` puts the scripts where bash and fish look for them. Otherwise:
  bash, in ~/.bashrc:  source <(tracker completion bash)
  zsh, in ~/.zshrc:    source <(tracker completion zsh)   # after compinit
  fish:                tracker completion fish | source"""
