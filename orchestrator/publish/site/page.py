"""The page that reads the data, as built from ``ui/``: locked down, named, and with the data inside where all is one file."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from html import escape

BUILT = __file__.removesuffix("page.py") + "built"
"""The folder of the built page: ``index.html`` with ``assets/``, and ``single.html``."""

GENERATOR = "orc docs"
"""Who wrote a page, in its own words: a page without them is somebody else's and stays."""

DATA = "<!-- data -->"
"""Where the data go in ``single.html``."""

NONE = ("'none'",)

_POLICY = re.compile(r"\s*<meta[^>]+http-equiv=[\"']?Content-Security-Policy[^>]*>", re.IGNORECASE)
_CHARSET = re.compile(r"<meta\s+charset=[^>]*>", re.IGNORECASE)
_SCRIPT = re.compile(r"<script(?: type=\"module\")?>(.*?)</script>", re.DOTALL)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def policy(
    scripts: Sequence[str] = ("'self'",), styles: Sequence[str] = ("'self'",), itself: str = "'self'", workers: str = "'self'"
) -> str:
    """What a page may load: its own files and nothing else in the world."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(scripts or NONE)}",
            f"style-src {' '.join(styles or NONE)}",
            f"connect-src {itself}",
            "img-src 'self' data:",
            f"font-src {itself}",
            f"worker-src {workers}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def index(built: str, title: str) -> str:
    """``index.html`` of the folder."""
    return _headed(built, title, policy())


def single(built: str, title: str, data: Iterable[tuple[str, str]]) -> Iterator[str]:
    """``single.html`` with ``data`` (path below ``data/``, JSON) inside, in pieces.

    Its scripts and styles are allowed by the digests of exactly these texts; no other text can become one.
    """
    page = built.replace("\r\n", "\n")
    allowed = policy([_hash(t) for t in _SCRIPT.findall(page)], [_hash(t) for t in _STYLE.findall(page)], "'none'", "blob:")
    head, marker, tail = _headed(page, title, allowed).partition(DATA)
    if not marker:
        raise AssertionError("the built page has no place for the data")
    yield head
    for name, text in data:
        yield f'<script type="application/json" data-file="{escape(name)}">{inert(text)}</script>\n'
    yield tail


def inert(json_text: str) -> str:
    r"""JSON that is only text to an HTML parser, whatever it says.

    >>> inert('["</script><!--"]')
    '["\\u003c/script>\\u003c!--"]'
    """
    return json_text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _headed(built: str, title: str, allowed: str) -> str:
    """The page with its title, our name and the policy, which stands before anything it is about."""
    bare = _POLICY.sub("", built, count=1)
    found = _CHARSET.search(bare)
    if found is None:
        raise AssertionError("the built page does not say its character set")
    said = f'<meta http-equiv="Content-Security-Policy" content="{escape(allowed, quote=False)}">'
    head = f'{found[0]}\n{said}\n<meta name="generator" content="{GENERATOR}">'
    page = f"{bare[: found.start()]}{head}{bare[found.end() :]}"
    return re.sub(r"<title>[^<]*</title>", lambda _: f"<title>{escape(title)}</title>", page, count=1)
