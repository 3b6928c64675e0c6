"""What is promised is true: codes, commands, options, names and links in the documents are those of the code, and the house rules hold."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from functools import cache
from inspect import cleandoc
from pathlib import Path
from typing import Any

import click
import pytest

from orchestrator.cli import commands
from orchestrator.cli.main import orc
from orchestrator.cli.sections import ORDER
from orchestrator.graph.methods import METHODS
from orchestrator.render.context import FUNCTIONS

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "orchestrator"
SKIPPED = frozenset({"results", "target", "node_modules", "build", "dist"})
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "README.md", *(ROOT / "examples").glob("*/README.md")]
)
CODE = re.compile(r"[UCRPLNXWS]\d{3}")

LONGEST = 400
LONGER: dict[str, str] = {}
"""Files of more than ``LONGEST`` lines, each with the reason why it is better in one piece."""


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def files(suffixes: tuple[str, ...]) -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            f
            for f in folders
            if f not in SKIPPED
            and (f[0] not in "._" or f == ".ci")
            and not f.endswith(".egg-info")
            and not (Path(folder, f) / "pyvenv.cfg").exists()
        ]
        yield from (Path(folder, name) for name in names if name.endswith(suffixes))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


# Error codes


def raised_codes() -> dict[str, str]:
    """Every code that stands as a text of its own somewhere in the package, and where."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                found.setdefault(node.value, f"{named(path)}:{node.lineno}")
    return found


def documented_codes() -> dict[str, tuple[str, ...]]:
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = [
        tuple(cell.strip() for cell in line.strip("|\n").split(" | "))
        for line in text.splitlines()
        if re.match(r"\| `[A-Z]\d{3}` \|", line)
    ]
    codes = [row[0].strip("` ") for row in rows]
    assert len(codes) == len(set(codes)), "a code is explained twice"
    assert codes == sorted(codes, key=lambda c: ("UCRPLNXWS".index(c[0]), c)), "codes are in the order of the stages"
    return dict(zip(codes, rows, strict=True))


def test_every_code_is_explained_and_every_explained_code_exists() -> None:
    raised, documented = raised_codes(), documented_codes()
    assert len(raised) > 100  # the search itself works
    assert {code: where for code, where in raised.items() if code not in documented} == {}
    assert sorted(set(documented) - set(raised)) == []


def test_every_explanation_says_what_happened_and_what_to_do() -> None:
    assert [code for code, row in documented_codes().items() if len(row) != 3 or min(map(len, row)) < 6] == []


# The command line


def reference() -> str:
    """docs/cli.md, from the commands themselves."""
    assert commands.__all__  # importing them registered them
    context = click.Context(orc, info_name="orc")
    introduction = (
        "# Commands\n\nWritten from the code by `GOLDEN=write pytest tests/test_docs.py`; what the words mean is in the [guide](guide.md).\n\n"
        "An option with an environment variable may be set there instead; the command line wins. `--select`, `--exclude`, `--resource-type`,\n"
        "`--exclude-resource-type` and `--output-keys` take several words after one flag. Options that are accepted because dbt has them, and change\n"
        "nothing, are not listed.\n\n"
        f"{orc.help}\n"
    )
    parts = [introduction]
    for name, command in everything(orc, context):
        inner = click.Context(command, info_name=f"orc {name}")
        usage = " ".join([f"orc {name}", *command.collect_usage_pieces(inner)])
        parts.append(f"\n## `orc {name}`\n\n```\n{usage}\n```\n\n{_prose(command.help or '')}\n")
        sections: dict[str, list[str]] = {}
        for option in (p for p in command.params if isinstance(p, click.Option) and not p.hidden):
            sections.setdefault(getattr(option, "section", ORDER[0]), []).append(_row(option, inner))
        parts += [
            f"\n| {section} | | environment |\n|---|---|---|\n" + "".join(sections[section]) for section in ORDER if section in sections
        ]
    return "".join(parts)


def everything(group: click.Group, context: click.Context, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """All commands by name, those of a group as `docs generate`."""
    for name in group.list_commands(context):
        command = group.commands[name]
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                yield f"{before}{name}", command
            yield from everything(command, context, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def _prose(text: str) -> str:
    """A command's help; what click must not wrap (behind a backspace) is a code block here."""
    paragraphs = cleandoc(text.replace("\b", "\\b")).split("\n\n")
    return "\n\n".join("```\n" + p.removeprefix("\\b\n") + "\n```" if p.startswith("\\b") else p for p in paragraphs)


def _row(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    assert record is not None
    cells = (f"`{record[0]}`", record[1].replace("  [", " ["), " ".join(f"`{v}`" for v in _listed(option.envvar)))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def test_the_reference_of_commands_is_current() -> None:
    path = ROOT / "docs" / "cli.md"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(reference(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == reference()


def commands_in(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Command lines of ``orc`` in code blocks and in inline code: the line, and its words behind ``orc``."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()] + re.findall(r"`(orc [a-z][^`\n]*)`", text)
    for line in lines:
        for found in re.finditer(r"(?:^|&& |^\$ |bin/)orc ((?:-h|--help|--version|[a-z][a-z-]+)(?: [^#&|;>]*)?)", line):
            yield line, found[1].split()


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_commands_that_documents_show_exist(path: Path) -> None:
    unknown = []
    for line, (verb, *rest) in commands_in(path):
        command = orc.commands.get({"list": "ls"}.get(verb, verb))
        if verb in ("-h", "--help", "--version"):
            continue
        if command is None:
            unknown.append(line)
            continue
        while isinstance(command, click.Group) and rest and rest[0] in command.commands:
            command = command.commands[rest.pop(0)]
        known = {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)} | {"-h", "--help"}
        unknown += [line for word in rest if re.fullmatch(r"--?[a-z][a-z-]*", word) and word not in known]
    assert unknown == []


def test_the_readme_gives_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert "python3 -m venv .venv && .venv/bin/pip install -q -e . && .venv/bin/orc build" in lines
    assert "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/pytest" in lines


# Names


def test_the_guide_names_everything_a_template_may_use() -> None:
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    spoken = set(re.findall(r"`([a-z_0-9]+)", guide))
    assert sorted(set(FUNCTIONS) - spoken) == []


def test_the_guide_names_every_selection_method() -> None:
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    assert [method for method in METHODS if f"`{method}:" not in guide and f"`{method}." not in guide] == []


def test_the_architecture_has_a_place_for_every_package() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    packages = sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py"))
    assert [name for name in packages if f"`{name}/`" not in text] == []


# Links and the index of documents


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = path.parent / file if file else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def test_the_index_lists_every_document() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    documents = [p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")]
    assert sorted(d for d in documents if d != "README.md" and f"({d})" not in index) == []


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=lambda p: str(p.stem))
def test_a_decision_has_its_four_parts(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(rf"# {path.stem[:4]} .+", text)
    assert [h for h in re.findall(r"^## (.+)$", text, re.MULTILINE) if h in ("Context", "Decision", "Consequences", "Evidence")] == [
        "Context",
        "Decision",
        "Consequences",
        "Evidence",
    ]


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(p.name[:4]) for p in (ROOT / "docs" / "adr").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


# House rules


def test_files_are_short() -> None:
    long = {named(p): n for p in PACKAGE.rglob("*.py") if (n := p.read_text(encoding="utf-8").count("\n")) > LONGEST}
    assert {path: lines for path, lines in long.items() if path not in LONGER} == {}
    assert sorted(set(LONGER) - set(long)) == [], "these are short enough by now"


BANNED = frozenset(
    {"manager", "managers", "helper", "helpers", "handler", "handlers", "util", "utils", "processor", "info", "data", "common", "misc"}
)


def words(name: str) -> list[str]:
    return [w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def test_names_say_what_a_thing_is_for() -> None:
    bad = []
    for path in files((".py",)):
        own = path.parent.name if path.stem == "__init__" else path.stem
        bad += [named(path)] if BANNED & {w for w in own.split("_") if not own.startswith("test_")} else []
        classes = [n.name for n in ast.walk(tree_of(path)) if isinstance(n, ast.ClassDef)]
        bad += [f"{named(path)}: {name}" for name in classes if BANNED & set(words(name)) or words(name)[:1] == ["base"]]
    assert bad == []


MACHINE = re.compile(r"(?<![A-Za-z0-9_.<])/(?:work|root|farm|home|Users)/[A-Za-z]")


def test_no_path_of_a_machine_is_in_the_tree() -> None:
    found = [
        f"{named(p)}:{n}"
        for p in files((".py", ".md", ".sql", ".yml", ".yaml", ".toml", ".json", ".csv", "run"))
        for n, line in enumerate(p.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE.search(line)
    ]
    assert found == []
