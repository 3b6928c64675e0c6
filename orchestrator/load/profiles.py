"""Where to build: ``profiles.yml``, or the embedded DuckDB file when there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.core.errors import ConfigError, OrcError, Problem, ProfileError, did_you_mean
from orchestrator.core.files import Span
from orchestrator.core.project import Secret, Settings, Target
from orchestrator.load.lines import Document, child, line_of
from orchestrator.load.shape import is_template, word_for

FILE = "profiles.yml"
EMBEDDED = "warehouse.duckdb"
IMPLICIT_THREADS = 4
SECRET_VARIABLES = re.compile(r"env_var\s*\(\s*['\"](?:DBT_ENV_SECRET_|ORC_SECRET_)|\bsecret\s*\(")
SECRET_KEYS = re.compile(
    r"(?:^|_)(?:password|passphrase|passwd|secret|secret_access_key|token|api_key|access_key|account_key|encryption_key|private_key|connection_string|credentials)$|^pass$|^keyfile_json$|^motherduck_token$",
)


@dataclass(frozen=True, slots=True)
class Engine:
    """How an engine's output says where it builds: keys tried in order, and the schema when none is given."""

    database_keys: tuple[str, ...]
    schema_keys: tuple[str, ...] = ("schema",)
    default_schema: str | None = None
    database_path: str | None = None


ENGINES: Mapping[str, Engine] = {
    "duckdb": Engine(("database",), default_schema="main", database_path="path"),
    "postgres": Engine(("dbname", "database")),
    "bigquery": Engine(("project", "database"), ("dataset", "schema")),
}


@dataclass(frozen=True, slots=True)
class Profiles:
    """A profiles.yml: where it was found, and whether somebody pointed at it (or put it in the project) rather than home."""

    document: Document
    near: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The profiles it has."""
        return tuple(str(k) for k in self.document.data if k != "config")


def find_profiles(root: Path, profiles_dir: Path | None, env: Mapping[str, str]) -> Profiles | None:
    """The first profiles.yml of: ``profiles_dir``, ``ORC_PROFILES_DIR``, ``DBT_PROFILES_DIR``, the project, ``~/.dbt``.

    Raises:
        ProfileError: a folder somebody named has none, or the file cannot be read.
    """
    named = (("--profiles-dir", profiles_dir), *((v, env.get(v)) for v in ("ORC_PROFILES_DIR", "DBT_PROFILES_DIR")))
    home = env.get("HOME") or env.get("USERPROFILE")
    for source, folder in named:
        if not folder:
            continue
        text = str(folder)
        path = Path(home + text[1:] if home and text.startswith("~") else text)
        if not (path / FILE).is_file():
            raise ProfileError(
                Problem("C301", f"no {FILE} in `{text}`, which {source} names", None, f"put one there, or leave {source} out")
            )
        return _read(path / FILE, True)
    if (root / FILE).is_file():
        return _read(root / FILE, True, FILE)
    if home and (file := Path(home, ".dbt", FILE)).is_file():
        return _read(file, False)
    return None


def _read(file: Path, near: bool, name: str | None = None) -> Profiles | None:
    from orchestrator.load.yaml import read_yaml

    shown = name or str(file)
    try:
        document = read_yaml(shown, file.read_bytes())
    except OSError as error:
        raise ProfileError(Problem("C301", f"cannot read `{shown}`: {error.strerror}", Span(shown), "check its permissions")) from None
    except ConfigError as error:
        raise ProfileError(*error.problems) from None
    if document.data is None:
        return None
    if not isinstance(document.data, Mapping):
        raise ProfileError(
            Problem("C302", f"{FILE} must be a mapping of profiles, not {word_for(document.data)}", Span(shown, line_of(document.lines)))
        )
    return Profiles(document, near)


def embedded(target: str | None = None, threads: int | None = None) -> Target:
    """The DuckDB file in the project; its path is relative to the project's root."""
    settings = {"type": "duckdb", "path": EMBEDDED, "schema": "main"}
    return Target("orc", target or "dev", "duckdb", Path(EMBEDDED).stem, "main", threads or IMPLICIT_THREADS, settings, implicit=True)


def choose_target(
    profiles: Profiles | None,
    settings: Settings,
    render_value: Callable[[str], object],
    *,
    profile: str | None = None,
    target: str | None = None,
    threads: int | None = None,
) -> tuple[Target, tuple[Problem, ...]]:
    """The target to build in, and warnings. ``profile``, ``target`` and ``threads`` are what the command line asks for.

    Only the chosen output is rendered: others may need variables that are not set here.

    Raises:
        ProfileError: what was asked for does not exist, or the output cannot be used.
    """
    if profiles is None:
        return _without_profiles(settings, profile, target, threads)
    name = profile or settings.profile or _unnamed(profiles, settings)
    if name is None:
        return embedded(target, threads), ()
    document = profiles.document
    if name not in profiles.names:
        hint = did_you_mean(name, profiles.names, also=f"it has: {', '.join(profiles.names)}" if profiles.names else "it has none")
        raise ProfileError(Problem("C303", f"the profile `{name}` is not in {document.path}", Span(document.path), hint))
    found = _output(document, name, target, threads, render_value)
    return (replace(found, production=True) if settings.production == found.name else found), ()


def production_of(profiles: Profiles | None, settings: Settings, profile: str | None = None) -> str | None:
    """The target that is production: the one that says so, or that the project names; else one that is called ``prod``, if any.

    Nothing is rendered: variables of a target that is not built in may not be set.
    """
    if settings.production:
        return settings.production
    name = profile or settings.profile or (_unnamed(profiles, settings) if profiles is not None else None)
    entry = profiles.document.data.get(name) if profiles is not None else None
    outputs = entry.get("outputs") if isinstance(entry, Mapping) else None
    if not isinstance(outputs, Mapping):
        return None
    marked = [str(k) for k, v in outputs.items() if isinstance(v, Mapping) and str(v.get("production", "")).lower() == "true"]
    return marked[0] if marked else next((str(k) for k in outputs if k == "prod"), None)


def _without_profiles(
    settings: Settings, profile: str | None, target: str | None, threads: int | None
) -> tuple[Target, tuple[Problem, ...]]:
    if profile:
        raise ProfileError(
            Problem("C303", f"the profile `{profile}` does not exist: there is no {FILE}", None, f"write a {FILE} in the project")
        )
    if settings.profile:
        message = f"no {FILE} with the profile `{settings.profile}`: building in {EMBEDDED}"
        place = Span(settings.origin) if settings.origin else None
        return embedded(target, threads), (
            Problem("C304", message, place, f"write a {FILE} in the project to build elsewhere", severity="warning"),
        )
    return embedded(target, threads), ()


def _unnamed(profiles: Profiles, settings: Settings) -> str | None:
    """The profile of a project that names none: its namesake; of a file it was pointed at also `default` or the only one.

    A profile in the home folder is never guessed: it may be somebody's production.
    """
    if settings.name in profiles.names:
        return settings.name
    if not profiles.near:
        return None
    if "default" in profiles.names:
        return "default"
    if len(profiles.names) == 1:
        return profiles.names[0]
    hint = f"set `profile` in the project file, or pass --profile: {', '.join(profiles.names)}"
    raise ProfileError(
        Problem("C303", f"the project does not say which profile of {profiles.document.path} to use", Span(profiles.document.path), hint)
    )


def _output(document: Document, profile: str, target: str | None, threads: int | None, render_value: Callable[[str], object]) -> Target:
    path = document.path
    entry, lines = document.data[profile], child(document.data, document.lines, profile)
    outputs = entry.get("outputs") if isinstance(entry, Mapping) else None
    if not isinstance(outputs, Mapping) or not outputs:
        hint = "outputs: {dev: {type: duckdb, path: warehouse.duckdb}}"
        raise ProfileError(Problem("C305", f"the profile `{profile}` needs `outputs`", Span(path, line_of(lines)), hint))
    rows = child(entry, lines, "outputs")
    name = target or _default_target(entry, outputs, Span(path, line_of(child(entry, lines, "target"))), render_value)
    if name not in outputs:
        close = did_you_mean(name, map(str, outputs), also=f"it has: {', '.join(map(str, outputs))}")
        raise ProfileError(Problem("C306", f"the profile `{profile}` has no target `{name}`", Span(path, line_of(rows)), close))
    raw, lines = outputs[name], child(outputs, rows, name)
    span = Span(path, line_of(lines))
    if not isinstance(raw, Mapping):
        raise ProfileError(Problem("C307", f"the output `{name}` must be a mapping, not {word_for(raw)}", span))
    problems: list[Problem] = []
    given: dict[str, Any] = {}
    for key, value in raw.items():
        try:
            given[str(key)] = _value(str(key), value, render_value)
        except OrcError as error:
            place = Span(path, line_of(child(raw, lines, key)))
            problems += (replace(p, span=place) for p in error.problems)
    if problems:
        raise ProfileError(*problems)
    return _target(profile, name, given, threads, lambda key: Span(path, line_of(child(raw, lines, key))))


def _default_target(entry: Mapping[str, Any], outputs: Mapping[str, Any], span: Span, render_value: Callable[[str], object]) -> str:
    said = entry.get("target")
    if said is None:
        return str(next(iter(outputs))) if len(outputs) == 1 else "default"
    try:
        return str(render_value(said)) if is_template(said) else str(said)
    except OrcError as error:
        raise ProfileError(*(replace(p, span=span) for p in error.problems)) from None


def _target(profile: str, name: str, given: dict[str, Any], threads: int | None, place: Callable[[str], Span]) -> Target:
    kind = given.get("type")
    if kind not in ENGINES:
        what = f"`{kind}` is not an engine orc knows" if kind else f"the output `{name}` needs the key `type`"
        hint = did_you_mean(str(kind), ENGINES, also="one of " + ", ".join(ENGINES))
        raise ProfileError(Problem("C307", what, place("type"), hint))
    engine = ENGINES[str(kind)]
    schema: Any = next((given[k] for k in engine.schema_keys if given.get(k)), engine.default_schema)
    if not schema:
        raise ProfileError(
            Problem(
                "C307",
                f"the output `{name}` needs the key `{engine.schema_keys[0]}`",
                place("schema"),
                "the schema that models are built in",
            )
        )
    count = given.get("threads", 1) if threads is None else threads
    count = int(count) if isinstance(count, str) and count.isdigit() else count
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ProfileError(Problem("C307", f"`threads` must be 1 or more, not {_reveal(count)}", place("threads")))
    production = given.pop("production", False)
    if str(production).lower() not in ("true", "false"):
        raise ProfileError(Problem("C307", f"`production` must be true or false, not {_reveal(production)}", place("production")))
    real = str(production).lower() == "true"
    allow = given.pop("allow", None) or ()
    allow = (allow,) if isinstance(allow, str) else allow
    if not isinstance(allow, list | tuple) or not all(isinstance(word, str) and word for word in allow):
        hint = "allow: [schedule, ci]"
        raise ProfileError(
            Problem("C307", f"`allow` must be a list of what may begin a run here, not {_reveal(allow)}", place("allow"), hint)
        )
    words = tuple(map(str, allow))
    return Target(profile, name, str(kind), _database(engine, given), _reveal(schema), count, given, production=real, allow=words)


def _database(engine: Engine, given: Mapping[str, Any]) -> str | None:
    found = next((given[k] for k in engine.database_keys if given.get(k)), None)
    if found is not None:
        return _reveal(found)
    if engine.database_path is None:
        return None
    path = _reveal(given.get(engine.database_path) or ":memory:")
    if path == ":memory:":
        return "memory"
    return re.sub(r"\.[^.]*$", "", re.split(r"[/\\:]", path.split("?")[0])[-1]) or None


def _reveal(value: Any) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def _value(key: str, value: Any, render_value: Callable[[str], object]) -> Any:
    """A value with Jinja rendered and secrets wrapped, at any depth."""
    if isinstance(value, Mapping):
        return {str(k): _value(str(k), v, render_value) for k, v in value.items()}
    if isinstance(value, list):
        return [_value(key, v, render_value) for v in value]
    secret = SECRET_KEYS.search(key) is not None
    if is_template(value):
        secret = secret or SECRET_VARIABLES.search(value) is not None
        value = render_value(value)
    return Secret(value if type(value) is str else _reveal(value)) if secret and value is not None else value
