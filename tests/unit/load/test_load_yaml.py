"""What the YAML reader accepts, what it makes of it, and the exact words about what it refuses."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.errors import ConfigError
from orchestrator.load import yaml as reader
from orchestrator.load.lines import Lines
from orchestrator.load.pure import PureParser
from orchestrator.load.yaml import MAX_DEPTH, read_yaml

BAD = {
    "tab in front of a key": ("a:\n\tb: 1\n", "f.yml:2:1", "a tab is used for indentation; YAML allows spaces only"),
    "tab behind spaces": ("a:\n  b: 1\n\tc: 2\n", "f.yml:3:1", "a tab is used for indentation; YAML allows spaces only"),
    "tab behind a dash": ("a:\n  -\tb: 1\n", "f.yml:2:4", "a tab is used for indentation; YAML allows spaces only"),
    "one space too many": ("a:\n  b: 1\n c: 2\n", "f.yml:3:2", "this line does not line up with the keys around it"),
    "key less indented than its list item": ("a:\n  - b: 1\n   c: 2\n", "f.yml:3:4", "this line is not an item of the list around it"),
    "second colon": ("description: Note: x\n", "f.yml:1:18", "a second `:` in this line, or a line indented too far"),
    "no colon": ("a: 1\nbcd\ne: 2\n", "f.yml:2:1", "a key without `:`"),
    "open double quote": ('a: "abc\nb: 1\n', "f.yml:1:4", "the quote opened here is never closed"),
    "open single quote": ("a: 'abc\nb: 1\n", "f.yml:1:4", "the quote opened here is never closed"),
    "open bracket": ("a: [1, 2\nb: 3\n", "f.yml:1:4", "the `[` opened here is not closed in line 2"),
    "open brace": ("a: {x: 1\nb: 3\n", "f.yml:1:4", "the `{` opened here is not closed in line 2"),
    "bare Jinja": ("a: {{ var('x') }}\n", "f.yml:1:5", "a key must be text"),
    "bare Jinja statement": ("{% if x %}\na: 1\n", "f.yml:1:1", "Jinja is not quoted"),
    "at sign": ("a: @x\n", "f.yml:1:4", "a value cannot start with `@`"),
    "star": ("a: *\n", "f.yml:1:5", "`*` and `&` start an alias or anchor here"),
    "escape": ('a: "\\d+"\n', "f.yml:1:5", "a backslash in double quotes starts an escape"),
    "text after a quote": ("a: 'x' y\n", "f.yml:1:8", "text after the closing quote"),
    "null byte": ("a: 1\nb: x\x00y\n", "f.yml:2:5", "the control character U+0000 is not allowed"),
    "unknown alias": ("a: &one 1\nb: *on\n", "f.yml:2:4", "the alias `*on` has no anchor"),
    "alias to itself": ("a: &x\n  b: *x\n", "f.yml:2:6", "the alias `*x` contains itself"),
    "python tag": ("a: !!python/object:os.system x\n", "f.yml:1:4", "the tag `!!python/object:os.system` is not supported"),
    "local tag": ("a: !x [1]\n", "f.yml:1:4", "the tag `!x` is not supported"),
    "two documents": ("a: 1\n---\nb: 1\n", "f.yml:2:1", "only one YAML document is read per file"),
    "list as a key": ("? [a]\n: b\n", "f.yml:1:3", "a key must be text"),
    "merge of a scalar": ("a:\n  <<: 1\n", "f.yml:2:7", "`<<` merges a mapping, or a list of mappings"),
    "key twice": ("a: 1\nb: 2\na: 3\n", "f.yml:3:1", "the key `a` is written twice: in line 1 and in line 3"),
    "nested too deep": ("[" * 100_000, "f.yml:1:65", f"nested deeper than {MAX_DEPTH} levels"),
}


@pytest.mark.parametrize(("text", "place", "message"), BAD.values(), ids=BAD)
def test_bad_text_is_explained_in_place(text: str, place: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_yaml("f.yml", text.encode())
    assert (str(caught.value.first.span), caught.value.first.message) == (place, message)


def test_every_duplicate_key_is_reported() -> None:
    with pytest.raises(ConfigError) as caught:
        read_yaml("f.yml", b"a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert [str(p.span) for p in caught.value.problems] == ["f.yml:4:3", "f.yml:5:1"]


def test_a_bomb_is_defused() -> None:
    text = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
    )
    with pytest.raises(ConfigError, match="aliases repeat more than 20,000 values"):
        read_yaml("f.yml", text.encode())


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (b"a: 1\nb: caf\xe9\n", "f.yml:2:7", "`f.yml` is not UTF-8: byte 0xE9 at offset 11"),
        (b"\xef\xbb\xbfa: \xe9\n", "f.yml:1:5", "`f.yml` is not UTF-8: byte 0xE9 at offset 6"),
        ("a: 1".encode("utf-16"), "f.yml:1:1", "`f.yml` is not UTF-8: byte 0xFF at offset 0"),
    ],
)
def test_other_encodings_are_named_by_byte(content: bytes, place: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_yaml("f.yml", content)
    assert (str(caught.value.first.span), caught.value.first.message) == (place, message)


def test_a_byte_order_mark_is_dropped() -> None:
    assert read_yaml("f.yml", b"\xef\xbb\xbfa: 1").data == {"a": 1}


VALUES: dict[str, Any] = {
    "no": False, "yes": True, "On": True, "y": "y", "~": None, "": None, "null": None, "12": 12, "-1": -1, "+3": 3, "1_000": 1000, "012": 10,
    "08": "08", "0x1F": 31, "0b11": 3, "0o17": "0o17", "1.5": 1.5, ".5": 0.5, "1e3": "1e3", "1.0e+3": 1000.0, "12:30:45": "12:30:45",
    "190:20:30.15": "190:20:30.15", "=": "=", "1.2.3": "1.2.3", "2024-01-02": dt.date(2024, 1, 2), "2024-02-30": "2024-02-30",
    "2024-01-02 03:04:05Z": dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "'no'": "no", '"12"': "12", "!!str 12": "12", "!!int '12'": 12, "!!float 1": 1.0,
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_plain_values(text: str, value: Any) -> None:
    found = read_yaml("f.yml", f"a: {text}".encode()).data["a"]
    assert (found, type(found)) == (value, type(value))


def test_words_stay_words_where_they_are_keys() -> None:
    assert list(read_yaml("f.yml", b"on: 1\nno: 2\nnull: 3\n7: 4\n").data) == ["on", "no", "null", 7]


def test_what_was_written_is_kept_beside_what_it_means() -> None:
    document = read_yaml("f.yml", b"name: on\ntags: [no, 007, x]\n")
    assert document.data == {"name": True, "tags": [False, 7, "x"]}
    assert document.text(document.data, "name") == "on"
    assert [document.text(document.data["tags"], i) for i in range(3)] == ["no", "007", None]


def test_merge_keys() -> None:
    text = b"x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  a: 9\n"
    document = read_yaml("f.yml", text)
    assert document.data["z"] == yaml.safe_load(text)["z"] == {"a": 9, "b": 2, "c": 4}
    assert Lines(document.data, document.lines)["z", "a"] == 5


def test_lines_are_those_of_keys_and_items() -> None:
    document = read_yaml("f.yml", b"models:\n\n  - name: a\n    columns:\n      - name: x\n      -\n        name: y\n")
    lines = Lines(document.data, document.lines)
    assert [lines[p] for p in [(), ("models",), ("models", 0), ("models", 0, "columns"), ("models", 0, "columns", 1, "name")]] == [
        1,
        1,
        3,
        4,
        7,
    ]
    assert len(lines) == len(list(lines)) == 9
    assert ("models", 1) not in lines
    assert ("models", 0, "name", "deeper") not in lines


def test_without_libyaml_the_same_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"a: &x [1, no, 'q']\nb:\n  c: *x\n  d: |\n    text\n"
    fast = read_yaml("f.yml", text)
    monkeypatch.setattr(reader, "CParser", PureParser)
    slow = read_yaml("f.yml", text)
    assert (fast.data, fast.lines) == (slow.data, slow.lines)


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.dates() | st.floats(allow_nan=False, allow_infinity=False)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=25
)


@given(TREES)
@settings(max_examples=150, deadline=None)
def test_reads_what_the_safe_loader_reads(value: Any) -> None:
    """Everything PyYAML writes, we read as PyYAML does."""
    text = yaml.safe_dump(value, allow_unicode=True)
    assert read_yaml("f.yml", text.encode()).data == yaml.safe_load(text)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"%@#,? \n\t\\0", max_size=40))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_explained(text: str) -> None:
    """No input escapes as another exception, and every problem has a place inside the text."""
    try:
        read_yaml("f.yml", text.encode())
    except ConfigError as error:
        for problem in error.problems:
            assert problem.span is not None
            assert 1 <= problem.span.line <= text.count("\n") + 1
            assert problem.message
