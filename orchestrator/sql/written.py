"""A template's text without what does not count: equal for two that differ in comments, layout or the case of keywords only."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
    (?P<remark> \{\#.*?\#\} | --[^\n]* | /\*(?!\+).*?\*/ )
  | (?P<call>   \{\{.*?\}\} | \{%.*?%\} )
  | (?P<quoted> '(?> \{\{.*?\}\} | \{%.*?%\} | '' | [^'] )*+'
              | "(?> \{\{.*?\}\} | \{%.*?%\} | "" | [^"] )*+"
              | `[^`]*`
              | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
  | (?P<word>   \w+ )
  | (?P<other>  \S )
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_CALL = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\w+|\S""", re.DOTALL)


def written(text: str) -> str:
    r"""What a template says, wherever it is rendered.

    A remark with a template in it (``-- depends_on: {{ ref('a') }}``) and a hint (``/*+ … */``) say something, too. A text with a
    backslash before a quote is taken as it is: engines think differently about that.

    >>> written("SELECT a  -- why\n from {{ref('b')}}") == written("select a from {{ ref('b') }}")
    True
    >>> written("select 'A'") == written("select 'a'"), written("select ' a'") == written("select 'a'")
    (False, False)
    """
    if "\\'" in text or '\\"' in text:
        return text.strip()
    return "\x1f".join(word for found in _TOKEN.finditer(text) if (word := _word(found)))


def _word(found: re.Match[str]) -> str:
    said = found.group()
    match found.lastgroup:
        case "remark":
            return said if "{{" in said or "{%" in said else ""
        case "call":
            inner = said[2:-2].removeprefix("-").removesuffix("-")
            return " ".join([said[:2], *_IN_CALL.findall(inner), said[-2:]])
        case "word":
            return said.lower()
        case _:
            return said
