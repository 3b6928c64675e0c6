"""``orc clone``: a model's file copied under another name, with what YAML says of it, so that the project has both."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.app.opening import Workspace, open_workspace
from orchestrator.core.errors import OrcError, Problem, StoreError, UsageError, did_you_mean
from orchestrator.core.node import Node
from orchestrator.graph.lineage import label


@dataclass(frozen=True, slots=True)
class Cloned:
    """What was written, by path from the project's folder; ``entry`` is YAML for ``beside``, a file that was there already."""

    written: tuple[str, ...]
    entry: str = ""
    beside: str = ""


def clone(workspace: Workspace, word: str, new: str) -> Cloned:
    """Copy a model's file beside itself, and its entry into a file of its own; nothing is overwritten.

    The project is read again: when it is wrong with the copy in it, the copy is taken away.

    Raises:
        UsageError: U145, there is no such model, the new name is taken or cannot be one, or the copy cannot stand beside the model.
        StoreError: S006, the folder cannot be written.
    """
    node = _model(workspace, word)
    _free(workspace, node, new)
    root, path = workspace.invocation.root, PurePosixPath(node.path)
    copy, beside = path.with_name(f"{new}{path.suffix}"), str(path.with_name(f"{new}.yml"))
    entry = _entry(workspace, node, new)
    there = next((name for name in (beside, beside[:-3] + "yaml") if entry and (root / name).exists()), "")
    files = {str(copy): (root / path).read_bytes(), **({beside: entry.encode()} if entry and not there else {})}
    _write(root, files)
    try:
        open_workspace(workspace.invocation)
    except OrcError as error:
        _remove(root, files)
        message = f"`{new}` cannot stand beside `{label(node)}`: {error.first.message}"
        raise UsageError(Problem("U145", message, node.span, "nothing was written")) from error
    return Cloned(tuple(files), entry if there else "", there)


def _model(workspace: Workspace, word: str) -> Node:
    models = [n for n in workspace.graph.nodes.values() if n.kind == "model"]
    found = [n for n in models if word in (n.id, n.name, label(n), ".".join(n.fqn), n.path)]
    if not found:
        hint = did_you_mean(word, [label(n) for n in models], also="`orc ls --resource-type model` lists them")
        raise UsageError(Problem("U145", f"there is no model `{word}`", None, hint))
    node = found[0]
    if len(found) > 1 or node.config.get("version") is not None:
        hint = "add another version to it, or copy the file by hand"
        raise UsageError(Problem("U145", f"`{word}` has versions, which share one name", node.span, hint))
    path = PurePosixPath(node.path)
    if path.stem != node.name or not (workspace.invocation.root / path).is_file():
        raise UsageError(Problem("U145", f"`{word}` has no file of its own in this project", node.span, "copy what defines it by hand"))
    return node


def _free(workspace: Workspace, node: Node, new: str) -> None:
    if not re.fullmatch(r"[^\W\d]\w*", new):
        raise UsageError(Problem("U145", f"{new!r} cannot name a model", None, "letters, digits and `_`, a letter first"))
    taken = next(
        (n for n in workspace.graph.nodes.values() if (n.has_data or n.is_ephemeral) and n.name.casefold() == new.casefold()), None
    )
    folder = (workspace.invocation.root / node.path).parent
    file = next((f.name for f in folder.iterdir() if f.name.casefold() == f"{new}{PurePosixPath(node.path).suffix}".casefold()), None)
    if taken is not None or file is not None:
        what = f"the {taken.kind} `{taken.name}`" if taken is not None else f"the file `{file}`"
        raise UsageError(Problem("U145", f"{what} exists already", taken.span if taken else None, "choose another name"))


def _entry(workspace: Workspace, node: Node, new: str) -> str:
    """The file that says of the copy what is said of the model."""
    from orchestrator.load.transcribe import transcribe

    said = getattr(workspace.graph.bodies[node.id], "docs", None)
    place = said.patch_path if said is not None else None
    if not place:
        return ""
    text = (workspace.invocation.root / place.rpartition("://")[2]).read_text(encoding="utf-8-sig")
    return transcribe(text, node.name, new) or ""


def _write(root: Path, files: dict[str, bytes]) -> None:
    made: list[str] = []
    for name, content in files.items():
        try:
            with (root / name).open("xb") as file:  # somebody else's file of this name stays
                made.append(name)
                file.write(content)
        except OSError as error:
            _remove(root, made)
            message = f"`{name}` cannot be written ({error.strerror or error})"
            raise StoreError(Problem("S006", message, None, "is the disk full, or the folder read-only?")) from error


def _remove(root: Path, names: Iterable[str]) -> None:
    for name in names:
        (root / name).unlink(missing_ok=True)
