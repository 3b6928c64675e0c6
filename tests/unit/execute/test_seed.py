"""Seeds, as a table of CSV texts."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.errors import ParseError, Problem
from orchestrator.execute import seed as module
from orchestrator.execute.seed import read_seed

DAY = dt.date(2024, 2, 29)
TEN = dt.datetime(2024, 2, 29, 10)  # noqa: DTZ001

COLUMNS: list[tuple[str, str, str, list[Any]]] = [
    ("integers", "1\n-2\n0\n", "int64", [1, -2, 0]),
    ("integers with a gap", "1\n,\n", "int64", [1, None]),
    ("zeros and ones", "0\n1\n", "int64", [0, 1]),
    ("largest integer", "9223372036854775807\n-9223372036854775808\n", "int64", [2**63 - 1, -(2**63)]),
    ("larger than 64 bits", "9223372036854775808\n", "string", ["9223372036854775808"]),
    ("twenty digits", "1\n12345678901234567890\n", "string", ["1", "12345678901234567890"]),
    ("leading zeros", "007\n1\n", "string", ["007", "1"]),
    ("a plus sign is a telephone", "+4915\n", "string", ["+4915"]),
    ("spaces around numbers", " 1\n2 \n", "int64", [1, 2]),
    ("decimals", "1.5\n-.5\n2\n", "double", [1.5, -0.5, 2.0]),
    ("decimals with leading zeros", "01.5\n", "string", ["01.5"]),
    ("decimals too long to be exact", "1234567890123456.5\n", "string", ["1234567890123456.5"]),
    ("exponents with a sign", "1e-05\n2.5E+3\n", "double", [1e-05, 2500.0]),
    ("exponents without a sign are codes", "1e5\n", "string", ["1e5"]),
    ("exponents out of range", "1e+999\n", "string", ["1e+999"]),
    ("infinity and NaN are text", "inf\nNaN\n", "string", ["inf", "NaN"]),
    ("thousands are text", '"1,000"\n', "string", ["1,000"]),
    ("booleans", "true\nFALSE\nTrue\n", "bool", [True, False, True]),
    ("yes and no are text", "yes\nno\n", "string", ["yes", "no"]),
    ("dates", "2024-02-29\n", "date32[day]", [DAY]),
    ("days that do not exist", "2023-02-29\n", "string", ["2023-02-29"]),
    ("other date formats are text", "29/02/2024\n", "string", ["29/02/2024"]),
    ("timestamps", "2024-02-29 10:00:00\n2024-02-29T10:00\n2024-02-29 10:00:00.5\n", "timestamp[us]", [TEN, TEN, TEN.replace(microsecond=500_000)]),
    ("timestamps with zones", "2024-02-29T10:00:00Z\n2024-02-29 12:00:00+02:00\n", "timestamp[us, tz=UTC]", [TEN.replace(tzinfo=dt.UTC)] * 2),
    ("zones on some values only", "2024-02-29T10:00:00Z\n2024-02-29T10:00:00\n", "string", ["2024-02-29T10:00:00Z", "2024-02-29T10:00:00"]),
    ("dates and timestamps", "2024-02-29\n2024-02-29 10:00\n", "string", ["2024-02-29", "2024-02-29 10:00"]),
    ("mixed", "1\ntrue\n", "string", ["1", "true"]),
    ("text keeps its spaces", " a \n", "string", [" a "]),
    ("words for nothing are text", "null\nNULL\nNA\nNone\n", "string", ["null", "NULL", "NA", "None"]),
    ("empty and NULL", '""\n,\n', "string", ["", None]),
    ("quoted numbers are numbers", '"1"\n"2"\n', "int64", [1, 2]),
    ("quoted nothing is not a number", '1\n""\n', "string", ["1", ""]),
    ("no value at all", ",\n,\n", "string", [None, None]),
    ("line breaks and quotes inside quotes", '"a\nb"\n"say ""hi"""\n', "string", ["a\nb", 'say "hi"']),
    ("quotes inside words", '5" pipe\n', "string", ['5" pipe']),
    ("unicode", "Zoë\n日本\n", "string", ["Zoë", "日本"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "values"), [c[1:] for c in COLUMNS], ids=[c[0] for c in COLUMNS])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_columns(tmp_path: Path, text: str, kind: str, values: list[Any], end: str) -> None:
    """Each value in a row of its own, before a second column; a line `,` has an empty first field."""
    quoted = text.count('"') % 2 == 0 and "\nb" in text
    rows = ['"a\nb",x', '"say ""hi""",x'] if quoted else [f"{value}x" if value == "," else f"{value},x" for value in text.splitlines()]
    location = tmp_path / "s.csv"
    location.write_text(end.join(["v,other", *rows, ""]), encoding="utf-8", newline="")
    table = read_seed(str(location), "seeds/s.csv").reader.read_all()
    assert (str(table.schema.field("v").type), table["v"].to_pylist()) == (kind, values)
    assert set(table["other"].to_pylist()) == {"x"}


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("1\n-2\n", "int32", [1, -2]),
        ("2147483647\n-2147483648\n", "int32", [2**31 - 1, -(2**31)]),
        ("2147483648\n1\n", "int64", [2**31, 1]),
        ("1.5\n1\n", "double", [1.5, 1.0]),
        ("007\n", "string", ["007"]),
        (",\n", "int32", [None]),
    ],
)
def test_narrow_types_are_those_of_dbts_seeds(tmp_path: Path, text: str, kind: str, values: list[Any]) -> None:
    location = tmp_path / "s.csv"
    location.write_text("v,other\n" + "\n".join(f"{v.rstrip(',')},x" for v in text.splitlines()) + "\n")
    table = read_seed(str(location), "seeds/s.csv", narrow=True).reader.read_all()
    assert (str(table.schema.field("v").type), table["v"].to_pylist()) == (kind, values)


FILES: list[tuple[str, bytes, dict[str, list[Any]]]] = [
    ("byte order mark", b"\xef\xbb\xbfa,b\n1,2\n", {"a": [1], "b": [2]}),
    ("no line end at the end", b"a,b\n1,2", {"a": [1], "b": [2]}),
    ("header only", b"a,b\n", {"a": [], "b": []}),
    ("header only, no line end", b"a,b", {"a": [], "b": []}),
    ("empty lines are no rows", b"\na,b\n\n1,2\n\n\n", {"a": [1], "b": [2]}),
    ("spaces around names", b"a , b\n1,2\n", {"a": [1], "b": [2]}),
    ("quoted names", b'"a b","c,d"\n1,2\n', {"a b": [1], "c,d": [2]}),
    ("a name over two lines", b'"a\nb",c\n1,2\n', {"a\nb": [1], "c": [2]}),
    ("one column", b"a\n1\n\n2\n", {"a": [1, 2]}),
]


@pytest.mark.parametrize(("content", "expected"), [f[1:] for f in FILES], ids=[f[0] for f in FILES])
def test_files(tmp_path: Path, content: bytes, expected: dict[str, list[Any]]) -> None:
    (tmp_path / "s.csv").write_bytes(content)
    found = read_seed(str(tmp_path / "s.csv"), "seeds/s.csv")
    assert found.reader.read_all().to_pydict() == expected
    assert found.columns == tuple(expected)


BAD: list[tuple[str, bytes, str, int, str]] = [
    ("empty", b"", "P403", 1, "the file is empty: a seed needs a header line with the column names"),
    ("empty lines only", b"\n\n", "P403", 1, "the file is empty: a seed needs a header line with the column names"),
    ("too many fields", b"a,b\n1,2\n1,2,3\n", "P404", 3, "3 fields, where the header has 2"),
    ("too few fields", b"a,b\n1,2\n1\n", "P404", 3, "1 field, where the header has 2"),
    ("line after a long value", b'a,b\n1,"x\ny\nz"\n\n1,2,3\n', "P404", 6, "3 fields, where the header has 2"),
    ("CR only", b"a,b\r1,2\r1,2,3\r", "P404", 3, "3 fields, where the header has 2"),
    ("open quote", b'a,b\n1,2\n1,"x\n2,y\n', "P405", 3, "a quote that opens here is never closed"),
    ("text after a quote", b'a,b\n1,"x"y\n', "P405", 2, "text follows a closing quote"),
    ("huge value", b"a,b\n1,2\n1," + b"x" * 140_000 + b"\n", "P405", 3, "a value is longer than 131,072 characters"),
    ("duplicate names", b"a,b,a\n1,2,3\n", "P403", 1, "the header names `a` more than once (columns 1, 3)"),
    ("names that differ in case", b"id,ID\n1,2\n", "P403", 1, "the header names `id` more than once (columns 1, 2)"),
    ("names that differ in spaces", b"a, a\n1,2\n", "P403", 1, "the header names `a` more than once (columns 1, 2)"),
    ("a delimiter at the end", b"a,b,\n1,2,\n", "P403", 1, "the header has no name for column 3"),
    ("names missing", b"a,,c,\n", "P403", 1, "the header has no name for column 2, 4"),
    ("other delimiter", b"a;b\n1;2\n", "P403", 1, "the header is one column called `a;b`"),
    ("Latin-1", b"a,b\n1,2\n1,caf\xe9\n", "P402", 3, "byte 14 of the file (0xe9) is not UTF-8"),
    ("Latin-1 in the header", b"caf\xe9,b\n", "P402", 1, "byte 4 of the file (0xe9) is not UTF-8"),
    ("Latin-1 far below", b"a,b\n" + b"1,\xc3\xa9\n" * 50_000 + b"1,\xe9\n", "P402", 50_002, f"byte {4 + 250_000 + 3} of the file (0xe9) is not UTF-8"),
    ("cut in a letter", b"a,b\n1,\xc3", "P402", 2, "byte 7 of the file (0xc3) is not UTF-8"),
    ("UTF-16", "a,b\n1,2\n".encode("utf-16"), "P402", 1, "the file is UTF-16; seeds are read as UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "code", "line", "message"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_files(tmp_path: Path, content: bytes, code: str, line: int, message: str) -> None:
    (tmp_path / "s.csv").write_bytes(content)
    problem = fail(tmp_path / "s.csv")
    assert (problem.code, problem.message, str(problem.span)) == (code, message, f"seeds/s.csv:{line}:1")


def fail(location: Path, **options: Any) -> Problem:
    with pytest.raises(ParseError) as caught:
        read_seed(str(location), "seeds/s.csv", **options)
    return caught.value.first


def test_a_likely_delimiter_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("a;b\n1;2\n")
    assert fail(tmp_path / "s.csv").hint == 'is the delimiter ";"? say so: `config: {delimiter: ";"}`'


def test_a_missing_file(tmp_path: Path) -> None:
    assert fail(tmp_path / "s.csv").message == "cannot read `seeds/s.csv`: No such file or directory"


@pytest.mark.parametrize("delimiter", ["", ",,", "\n", '"', "é"])
def test_impossible_delimiters(tmp_path: Path, delimiter: str) -> None:
    assert fail(tmp_path / "s.csv", delimiter=delimiter).code == "P406"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    (tmp_path / "s.csv").write_text(f'a{delimiter}b\n1{delimiter}"x{delimiter}y"\n')
    found = read_seed(str(tmp_path / "s.csv"), "seeds/s.csv", delimiter=delimiter)
    assert found.reader.read_all().to_pydict() == {"a": [1], "b": [f"x{delimiter}y"]}


def test_configured_types_reach_the_engine_as_text(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text('zip,Amount,note,n\n1,1.10,"",1\n2,"","",2\n')
    found = read_seed(str(tmp_path / "s.csv"), "s.csv", column_types={"ZIP": "varchar(5)", "amount": "decimal(9,2)", "gone": "int"})
    table = found.reader.read_all()
    assert found.types == {"zip": "varchar(5)", "Amount": "decimal(9,2)"}
    assert table.to_pydict() == {"zip": ["1", "2"], "Amount": ["1.10", None], "note": ["", ""], "n": [1, 2]}


def test_types_hold_for_the_whole_file_not_its_first_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 1024)
    rows = [f"{i},{i},{i}" for i in range(1000)]
    (tmp_path / "s.csv").write_text("\n".join(["a,b,c", *rows, "1,1.5,x", ""]))
    table = read_seed(str(tmp_path / "s.csv"), "s.csv").reader.read_all()
    assert [str(f.type) for f in table.schema] == ["int64", "double", "string"]
    assert table.num_rows == 1001


@pytest.mark.slow
def test_two_hundred_megabytes_in_flat_memory(tmp_path: Path) -> None:
    location = tmp_path / "big.csv"
    block = "".join(f'{i},{i / 7:.6f},2024-01-{i % 28 + 1:02d},"name, of {i}",true\n' for i in range(100_000))
    with location.open("w") as out:
        out.write("id,ratio,day,name,flag\n")
        while out.tell() < 200_000_000:
            out.write(block)
    script = f"""
import json, resource
from orchestrator.execute.seed import read_seed
import pyarrow.csv, pyarrow.compute
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = read_seed({str(location)!r}, "seeds/big.csv")
types = [str(field.type) for field in found.reader.schema]
rows = sum(batch.num_rows for batch in found.reader)
print(json.dumps([rows, types, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment).stdout
    rows, types, grown = json.loads(answer)
    assert rows > 3_000_000
    assert types == ["int64", "double", "date32[day]", "string", "bool"]
    assert grown * (1 if sys.platform == "darwin" else 1024) < 300_000_000
