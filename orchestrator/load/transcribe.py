"""A model's entry in a YAML file, written out again for another name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yaml import Node


def transcribe(text: str, name: str, new: str) -> str | None:
    r"""A file that says of the model ``new`` what ``text`` says of ``name``; ``None`` when that says nothing of it.

    What stands there stays as it is spelled, comments too, unless it needs what is written elsewhere in the file (an anchor).

    Raises:
        yaml.YAMLError: the text is no YAML.

    >>> print(transcribe("models:\n- name: a # the first\n  description: on\n- {name: b}\n", "a", "c"), end="")
    version: 2
    models:
      - name: c # the first
        description: on
    """
    import yaml

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    data: Any = yaml.safe_load(text)
    found = next((pair for pair in _entries(root, data) if pair[1].get("name") == name), None)
    if found is None:
        return None
    node, said = found
    wanted = {"version": 2, "models": [{**said, "name": new}]}
    made = f"version: 2\nmodels:\n  - {_moved(text, node, new)}\n"
    try:
        same = yaml.safe_load(made) == wanted
    except yaml.YAMLError:
        same = False
    return made if same else yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True)


def _entries(root: Node | None, data: Any) -> Iterator[tuple[Node, dict[str, Any]]]:
    """What is said of models, each with the place where."""
    for key, value in getattr(root, "value", ()) if isinstance(data, dict) else ():
        if key.value == "models" and isinstance(data.get("models"), list):
            yield from ((n, d) for n, d in zip(value.value, data["models"], strict=True) if isinstance(d, dict))


def _moved(text: str, node: Node, new: str) -> str:
    """The entry's own lines, four columns deep, with the other name."""
    value = next(v for k, v in node.value if k.value == "name")
    start, end = node.start_mark, node.end_mark
    own = text[start.index : value.start_mark.index] + new + text[value.end_mark.index : end.index]
    first, *rest = own.rstrip().split("\n")
    kept = (line[min(start.column, len(line) - len(line.lstrip(" "))) :] for line in rest)
    return "\n".join([first, *(f"    {line}".rstrip() for line in kept)])
