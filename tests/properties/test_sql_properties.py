from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.node import Query, Read
from orchestrator.sql.parse import parse
from orchestrator.sql.splice import splice

WORDS = ("select", "a", "from", "t", "where", "x", "=", "'It''s  -- 1'", '"Q  /* q */"', "and", "(", "1", "+", "2.5", ")", ">", "$$D  --$$")
SQL = "select a , 'It''s  -- 1' as \"Q  /* q */\" , ( 1 + 2.5 ) from t where x = $$D  --$$ and y > 2"
GAPS = st.sampled_from([" ", "\n", "\t", "  \n ", " /* from u */ ", " -- where 'z\n", "\r\n"])


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_canon_is_the_same_under_any_layout_comments_and_case_of_keywords(data: st.DataObject) -> None:
    gaps = iter(data.draw(st.lists(GAPS, min_size=60, max_size=60)))
    upper = iter(data.draw(st.lists(st.booleans(), min_size=60, max_size=60)))
    tokens = ["select", "a", ",", "'It''s  -- 1'", "as", '"Q  /* q */"', ",", "(", "1", "+", "2.5", ")", "from", "t", "where", "x", "="]
    tokens += ["$$D  --$$", "and", "y", ">", "2"]
    laid = "".join((t.upper() if t.isalpha() and next(upper) else t) + next(gaps) for t in tokens)
    assert parse(laid, "duckdb").canon == parse(" ".join(tokens), "duckdb").canon


@given(st.integers(0, 21), st.sampled_from(["b", "3", "'other'", '"Other"']))
def test_canon_changes_with_any_token(at: int, other: str) -> None:
    from orchestrator.sql.canon import canon
    from orchestrator.sql.parse import _dialect

    tokens = SQL.replace("'It''s  -- 1'", "'s'").replace('"Q  /* q */"', '"Q"').replace("$$D  --$$", "$$D$$").split()
    changed = [*tokens[:at], other, *tokens[at + 1 :]]
    one, two = " ".join(tokens), " ".join(changed)
    tokenize = _dialect("duckdb").tokenize
    assert canon(one, tokenize(one)) != canon(two, tokenize(two))


NAME = st.text(alphabet="abcdeж", min_size=1, max_size=6)
PIECE = st.one_of(
    st.text(alphabet="xyz ,\n'-", max_size=8).map(lambda t: (t, None)),
    st.tuples(NAME, st.one_of(st.none(), st.text(alphabet='."s', max_size=12))),
)


@given(st.lists(PIECE, max_size=12), st.booleans())
def test_every_piece_of_a_spliced_text_leads_to_equal_text_or_to_the_name_it_replaced(
    pieces: list[tuple[str, str | None]], ctes: bool
) -> None:
    text, physical = "", {}
    reads: list[Read] = []
    for word, other in pieces:
        if other is not None:
            read = Read(f"n{len(reads)}", len(text), len(text) + len(word))
            reads.append(read)
            physical[read.name] = other
        text += word
    query = Query(text, tuple(reads))
    spliced = splice(query, lambda r: physical[r.name], [("c", "select 1")] if ctes else [])
    end = 0
    mapped = []
    for start, source, length in spliced.pieces:
        assert start >= end
        end = start + length
        inside = next((r for r in reads if r.start <= source < r.end), None)
        if inside is None:
            assert spliced.sql[start:end] == text[source : source + length]
            mapped += list(range(source, source + length))
        else:
            assert source + length <= inside.end
    # Nothing of the author's text outside the replaced names is lost.
    replaced = {i for r in reads for i in range(r.start, r.end)}
    assert [i for i in mapped if i not in replaced] == [i for i in range(len(text)) if i not in replaced]
