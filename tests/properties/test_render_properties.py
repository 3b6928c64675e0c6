"""The short way gives what Jinja gives, and rendered text knows where it was written."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.adapters import registry
from orchestrator.core.config import merge
from orchestrator.core.declaration import Declaration
from orchestrator.core.errors import RenderError
from orchestrator.core.project import Settings, Target
from orchestrator.render.environment import Text
from orchestrator.render.literal import literal
from orchestrator.render.macros import library
from orchestrator.render.scope import Facts
from orchestrator.render.templates import Templates

MODEL = Declaration("model", "m", "shop", "models/m.sql", ("shop", "m"), {})


def templates(macros: dict[str, str] | None = None) -> Templates:
    found, _ = library((macros or {}).items(), "shop")
    target = Target("p", "dev", "duckdb", "w", "main", 1, {})
    facts = Facts(Settings("shop"), target, registry.dialect("duckdb"), {}, {}, "i", datetime(2026, 1, 1, tzinfo=UTC))
    return Templates(facts, found, lambda path: (macros or {}).get(path, ""))


PLAIN = templates()
BLANK = st.sampled_from(["", " ", "\n", "  "])
STRING = st.sampled_from(
    ["'a'", '"a"', "'a b'", "'ж'", "''", '"it\'s"', "'a\"b'", "'a:b'", "'a`b'", "'{a'", "'a\\\\'", "'a' 'b'", "'[x]'", "'a#b'", "'a\nb'"]
)
VALUE = st.one_of(
    STRING,
    st.sampled_from(
        ["1", "-1", "1.5", "true", "False", "none", "None", "x", "1_000", "0x1f", "[]", "[1, 'a', true]", "[['a']]", "[x]", "u'a'", "r'a'", "f'a'", "b'a'", "1 + 1", "not true", "...", "'a' if true", "[*'ab']", "-true", "(1)", "{}", "1 # x", "1,"]
    ),
)  # fmt: skip
KEY = st.sampled_from(["materialized", "tags", "pre_hook", "schema", "meta", "true", "if"])
CALL = st.one_of(
    st.builds(lambda f, b, s: f"{{{{{b}{f}({b}{s}{b}){b}}}}}", st.sampled_from(["ref", "source"]), BLANK, STRING),
    st.builds(lambda f, b, s, t: f"{{{{ {f}({s},{b}{t}) }}}}", st.sampled_from(["ref", "source"]), BLANK, STRING, STRING),
    st.builds(lambda b, pairs: f"{{{{ config({b}" + ", ".join(f"{k}={v}" for k, v in pairs) + f"{b}) }}}}", BLANK, st.lists(st.tuples(KEY, VALUE), max_size=3)),
    st.sampled_from(["{{ this }}", "{{this}}", "{{- this -}}", "{# c #}", "{% raw %}{{ x }}{% endraw %}", "{{ ref }}", "{{ 1 }}", "{{ config }}", "}}", "{", "{{ this.schema }}"]),
)  # fmt: skip
TEXT = st.text(alphabet="ab'\"-{}#% \n\r\u2028ж", max_size=6)


@given(st.lists(st.one_of(CALL, TEXT), max_size=6))
@settings(max_examples=600, deadline=None)
def test_the_short_way_gives_what_jinja_gives(parts: list[str]) -> None:
    source = "".join(parts)
    found = literal(source, "m", '"')
    if found is None:
        return
    text, notes = PLAIN.render(MODEL, source)
    assert found.text == text
    assert merge(found.config) == merge(notes.config)


@given(st.lists(CALL, min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_what_the_short_way_takes_jinja_accepts(parts: list[str]) -> None:
    source = "\n".join(parts)
    if literal(source, "m", '"') is not None:
        PLAIN.render(MODEL, source)


class Writer:
    """Builds templates in which each literal character occurs once, so its place is known."""

    def __init__(self) -> None:
        self.next = 0x4E00

    def text(self) -> str:
        characters = []
        for _ in range(3):
            characters.append(chr(self.next))
            self.next += 1
        return "".join(characters)


def node(draw: st.DrawFn, writer: Writer, depth: int, end: str) -> str:
    kind = draw(
        st.sampled_from(
            ["text", "text", "text", "value", "comment", "if", "for", "set", "macro", "raw", "call", "filter", "with", "quoted"]
            if depth
            else ["text"]
        )
    )

    def body() -> str:
        return "".join(node(draw, writer, depth - 1, end) for _ in range(draw(st.integers(0, 3))))

    left, right = draw(st.sampled_from(["", "-", "+"])), draw(st.sampled_from(["", "-"]))
    blank = draw(st.sampled_from(["", " ", end, end + "  ", "\t", "\u2028", end * 2]))
    match kind:
        case "text":
            return writer.text() + blank + writer.text()
        case "value":
            return f"{{{{{draw(st.sampled_from(['', '-']))} 1 + 1 {right}}}}}" + blank
        case "comment":
            return f"{{#{draw(st.sampled_from(['', '-']))} {writer.text()}{blank} {right}#}}" + blank
        case "if":
            return f"{{%{left} if {draw(st.sampled_from(['true', 'false']))} {right}%}}{blank}{body()}{{% else %}}{body()}{blank}{{%{left} endif {right}%}}"
        case "for":
            return f"{{%{left} for x in [1, 2] {right}%}}{body()}{blank}{{%{left} endfor {right}%}}{blank}"
        case "set":
            return f"{{% set s %}}{body()}{blank}{{% endset {right}%}}{blank}{{{{ s }}}}"
        case "with":
            return f"{{% with {right}%}}{body()}{{%{left} endwith %}}"
        case "macro":
            return f"{{{{ {draw(st.sampled_from(['first', 'second']))}() {right}}}}}{blank}"
        case "call":
            return f"{{%{left} call wrap() {right}%}}{body()}{blank}{{% endcall %}}"
        case "raw":
            return f"{{% raw {right}%}}{writer.text()}{{{{ x {blank}}}}}{{%{left} endraw {right}%}}"
        case "filter":
            return f"{{% filter upper %}}{body()}{{% endfilter %}}"
        case _:
            return f"{{{{ '{draw(st.sampled_from(['a{{b', '%}', '#}']))}' {right}}}}}{blank}"


@st.composite
def projects(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    writer = Writer()

    def file(depth: int) -> str:
        return "".join(node(draw, writer, depth, end) + draw(st.sampled_from(["", " ", end])) for _ in range(draw(st.integers(0, 4))))

    first = f"{{% macro first() %}}{file(0)}{end}{{{{ second() }}}}{{% endmacro %}}"
    second = f"{end}{{%- macro second() -%}}{end} {file(0)} {{%- endmacro %}}{{% macro wrap() %}}{writer.text()}{{{{ caller() }}}}{writer.text()}{{% endmacro %}}"
    return file(2), {"macros/first.sql": first, "macros/second.sql": second}


def character(text: str, line: int, column: int) -> str:
    import re

    return re.split(r"\r\n|\r|\n", text)[line - 1][column - 1]


@given(projects())
@settings(max_examples=400, deadline=None)
def test_every_literal_character_leads_back_to_itself(project: tuple[str, dict[str, str]]) -> None:
    source, macros = project
    made = templates(macros)
    plain, _ = made.render(MODEL, source)
    mapped, _ = made.render(MODEL, source, mapped=True)
    assert isinstance(mapped, Text)
    assert str.__str__(mapped) == plain
    files = {MODEL.path: source, **macros}
    for offset, char in enumerate(plain):
        if ord(char) >= 0x4E00:
            place = mapped.locate(offset)
            assert place is not None
            if place.macro != "value":  # not through a filter: its text is a new one
                assert character(files[place.path], place.line, place.column) == char
                assert made.locate(MODEL, source, offset) == place


def test_text_through_a_filter_leads_to_the_tag() -> None:
    made = templates()
    source = "a\n {{ 'xyz' | upper }}"
    place = made.locate(MODEL, source, 4)
    assert place is not None
    assert (place.line, place.column) == (2, 2)


def test_macro_text_knows_its_callers() -> None:
    macros = {"macros/a.sql": "{% macro a() %}\n  x {{ b() }}{% endmacro %}", "macros/b.sql": "{% macro b() %}y{% endmacro %}"}
    made = templates(macros)
    source = "select\n{{ a() }}"
    text, _ = made.render(MODEL, source)
    place = made.locate(MODEL, source, text.index("y"))
    assert place is not None
    assert place.caller is not None
    assert place.caller.caller is not None
    chain = [(p.path, p.line, p.column) for p in (place, place.caller, place.caller.caller)]
    assert chain == [("macros/b.sql", 1, 16), ("macros/a.sql", 2, 5), ("models/m.sql", 2, 1)]


def test_one_file_with_several_texts_keeps_several_maps() -> None:
    made = templates()
    for source in ("{{ 1 }}b", "aaaa{{ 1 }}\nb", "{{ 1 }}b"):
        text, _ = made.render(MODEL, source)
        place = made.locate(MODEL, source, text.index("b"))
        assert place is not None
        assert character(source, place.line, place.column) == "b"


@given(st.text(alphabet="{}%#'\" ab()\n-", max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_renders_or_is_refused_with_a_place(source: str) -> None:
    refused: RenderError | None = None
    try:
        PLAIN.render(MODEL, source)
    except RenderError as error:
        refused = error
    if refused is not None:
        assert refused.first.span is not None
        assert 1 <= refused.first.span.line <= source.count("\n") + 1
