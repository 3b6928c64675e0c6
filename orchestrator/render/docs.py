"""``{% docs name %}…{% enddocs %}`` blocks of Markdown files."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BLOCK = re.compile(r"\{%-?\s*docs\s+(\w+)\s*-?%\}(.*?)\{%-?\s*enddocs\s*-?%\}", re.DOTALL)


def docs_blocks(files: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Blocks by name, of files given as ``(path, text)``.

    >>> docs_blocks([("a.md", "{% docs late %} After 15 minutes. {% enddocs %}")])
    {'late': 'After 15 minutes.'}
    """
    return {name: text.strip() for _, content in files for name, text in _BLOCK.findall(content)}
