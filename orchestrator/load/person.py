"""Who sits at this machine, as far as git was told: its files are read, git is not asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_SECTION = re.compile(r"\s*\[\s*([\w.-]+)(?:\s+\"[^\"]*\")?\s*\]")
_EMAIL = re.compile(r"\s*email\s*=\s*(.+)", re.IGNORECASE)


def email(root: Path, env: Mapping[str, str]) -> str:
    """The address that git would write into a commit of a project, empty where none is known."""
    if given := env.get("GIT_AUTHOR_EMAIL"):
        return given
    for path in _places(root, env):
        try:
            found = said(path.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
        if found:
            return found
    return env.get("EMAIL", "")


def said(text: str) -> str:
    r"""The address in a configuration of git; the last one counts.

    >>> said('[core]\n  email = no\n[user]\n\tname = Ann\n\temail = "ann@example.com" # work')
    'ann@example.com'
    """
    found, section = "", ""
    for line in text.splitlines():
        if head := _SECTION.match(line):
            section = head[1].casefold()
        elif section == "user" and (value := _EMAIL.match(line)):
            found = re.split(r"\s[#;]", value[1])[0].strip().strip('"')
    return found


def _places(root: Path, env: Mapping[str, str]) -> Iterator[Path]:
    for folder in (root, *root.parents):
        if (folder / ".git").is_dir():
            yield folder / ".git" / "config"
            break
    home = env.get("HOME") or env.get("USERPROFILE")
    if home:
        yield Path(home, ".gitconfig")
    if where := env.get("XDG_CONFIG_HOME") or (home and f"{home}/.config"):
        yield Path(where, "git", "config")
