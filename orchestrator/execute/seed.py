"""Read a seed: a CSV file as a stream of typed Arrow batches, in flat memory.

Three passes, each a stream: check the text (fields per row, quotes, UTF-8), find each column's type, convert. A column is text
unless *every* value looks like one other type, so what a type cannot hold exactly (leading zeros, 20-digit numbers) stays as written:

=============  ================================================================================================
``int64``      ``0``, ``-12``; no leading zeros, fits 64 bits. A column of ``0`` and ``1`` is integers, not booleans
``double``     ``1.5``, ``-.5``, ``1e-05``; at most 15 digits before the point; an exponent has a sign (``1e5`` is text)
``bool``       ``true`` and ``false``, in any case
``date``       ``2024-02-29``, a day that exists
``timestamp``  ``2024-02-29 10:00``, seconds and up to six fraction digits optional, ``T`` allowed
``timestamp``  the same with ``Z`` or ``+02:00`` on every value, in UTC
text           everything else; also a column without any value
=============  ================================================================================================

``narrow`` types are those of dbt's seeds, which models and contracts written for them expect: whole numbers that all fit 32 bits are
``int32``, and so is a column without any value.

Only an empty field without quotes is NULL; ``""`` is an empty text. ``null``, ``NA`` and ``NaN`` are text.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from orchestrator.core.errors import ParseError, Problem
from orchestrator.core.files import Span

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 8 << 20
"""Bytes read at once; a row must be shorter."""

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"

PATTERNS: Mapping[str, str] = {
    "int64": r"^ *(?:0|-?[1-9][0-9]{0,18}) *$",
    "double": r"^ *-?(?:(?:0|[1-9][0-9]{0,14})(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-][0-9]{1,3})? *$",
    "bool": r"^ *(?i:true|false) *$",
    "date32[day]": rf"^ *{_DAY} *$",
    "timestamp[us]": rf"^ *{_DAY}[ T]{_TIME} *$",
    "timestamp[us, tz=UTC]": rf"^ *{_DAY}[ T]{_TIME}(?:Z|[+-][0-9]{{2}}(?::?[0-9]{{2}})?) *$",
}
"""What a value of each type looks like, in the order of preference."""

TEXT_TYPES = ("char", "text", "string", "clob", "json", "variant")
"""Parts of the names of engine types that can hold an empty text."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A seed's rows. ``reader`` can be read once. ``types`` are the configured types of the columns, by the header's spelling.

    Columns with a configured type come as text, for the engine to cast.
    """

    columns: tuple[str, ...]
    types: dict[str, str]
    reader: pa.RecordBatchReader


def read_seed(
    location: str,
    path: str,
    *,
    delimiter: str = ",",
    column_types: Mapping[str, str] | None = None,
    quote: str = '"',
    narrow: bool = False,
) -> Seed:
    """The CSV file at ``location`` (called ``path`` in messages), typed as the module says, or by ``column_types`` (engine type names).

    Names in ``column_types`` match without regard to case; those the file lacks are ignored (a folder's config covers many files).

    Raises:
        ParseError: P401 it cannot be read, P402 it is not UTF-8, P403 it has no header or a bad one, P404 a row has too many or
            too few fields, P405 quotes do not match, P406 the delimiter is not one character. The place is the line of the file.
    """
    if len(delimiter) != 1 or delimiter in "\r\n" or delimiter == quote or not delimiter.isascii():
        raise _error("P406", f"`{delimiter}` cannot be a delimiter: it must be one ASCII character", path, 1)
    text = _Text(location, path, delimiter, quote)
    header = _check(text)
    columns = tuple(name.strip() for name in header)
    configured = {name.casefold(): kind for name, kind in (column_types or {}).items()}
    types = {name: configured[name.casefold()] for name in columns if name.casefold() in configured}
    return Seed(columns, types, _read(text, columns, types, narrow=narrow))


def header(location: str, path: str, *, delimiter: str = ",", quote: str = '"') -> tuple[str, ...]:
    """The column names of the CSV file at ``location``; nothing below its first line is looked at.

    Raises:
        ParseError: as :func:`read_seed`, for what is wrong with the header.
    """
    try:
        with Path(location).open(encoding="utf-8-sig", newline="") as lines:
            row = next((r for r in csv.reader(lines, delimiter=delimiter, quotechar=quote, strict=True) if r), [])
    except UnicodeDecodeError:
        _not_utf8(location, path)
    except (csv.Error, TypeError) as error:
        _malformed(str(error), path, 1)
    except OSError as error:
        raise _error("P401", f"cannot read `{path}`: {error.strerror or error}", path, 1) from error
    _check_header(row, path, 1, delimiter)
    return tuple(name.strip() for name in row)


@dataclass(frozen=True, slots=True)
class _Text:
    """A file and how it is written."""

    location: str
    path: str
    delimiter: str
    quote: str


def _check(text: _Text) -> list[str]:
    """Go through the whole text once; the header. Finds what a lenient parser would read as something else than written."""
    header: list[str] | None = None
    start = 1
    try:
        with Path(text.location).open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(lines, delimiter=text.delimiter, quotechar=text.quote, strict=True)
            for row in rows:
                if header is None:
                    if row:
                        _check_header(row, text.path, start, text.delimiter)
                        header = row
                elif row and len(row) != len(header):
                    _ragged(row, header, text.path, start)
                start = rows.line_num + 1
    except UnicodeDecodeError:
        _not_utf8(text.location, text.path)
    except csv.Error as error:
        _malformed(str(error), text.path, start)
    except OSError as error:
        raise _error("P401", f"cannot read `{text.path}`: {error.strerror or error}", text.path, 1) from error
    if header is None:
        raise _error("P403", "the file is empty: a seed needs a header line with the column names", text.path, 1)
    return header


def _check_header(header: list[str], path: str, line: int, delimiter: str) -> None:
    """Every column needs a name of its own; warehouses do not tell ``a`` from ``A``."""
    names = [name.strip() for name in header]
    empty = [str(i) for i, name in enumerate(names, 1) if not name]
    if empty:
        hint = "does every line end with a delimiter? remove it" if names[-1] == "" and len(empty) == 1 else None
        raise _error("P403", f"the header has no name for column {', '.join(empty)}", path, line, hint)
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(name.casefold(), name)
        if sum(n.casefold() == name.casefold() for n in names) > 1:
            places = [str(i) for i, n in enumerate(names, 1) if n.casefold() == name.casefold()]
            raise _error("P403", f"the header names `{other}` more than once (columns {', '.join(places)})", path, line)
    if len(names) == 1:
        likely = next((d for d in (",", ";", "\t", "|") if d != delimiter and d in names[0]), None)
        if likely is not None:
            shown = "\\t" if likely == "\t" else likely
            hint = f'is the delimiter "{shown}"? say so: `config: {{delimiter: "{shown}"}}`'
            raise _error("P403", f"the header is one column called `{names[0]}`", path, line, hint)


def _ragged(row: list[str], header: list[str], path: str, line: int) -> NoReturn:
    many = len(row) > len(header)
    hint = "put quotes around a value that contains the delimiter" if many else "an empty value still needs its delimiter"
    fields = f"{len(row)} field{'' if len(row) == 1 else 's'}"
    raise _error("P404", f"{fields}, where the header has {len(header)}", path, line, hint)


def _malformed(message: str, path: str, line: int) -> NoReturn:
    """The ``csv`` module's complaints, in words that help."""
    if "unexpected end of data" in message:
        raise _error("P405", "a quote that opens here is never closed", path, line, 'inside quotes, write `""` for a quote')
    if "expected after" in message:
        raise _error("P405", "text follows a closing quote", path, line, 'inside quotes, write `""` for a quote')
    if "field limit" in message:
        raise _error("P405", "a value is longer than 131,072 characters", path, line, "is a closing quote missing?")
    raise _error("P405", message, path, line)


def _not_utf8(location: str, path: str) -> NoReturn:
    """Find the first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, line = 0, 1
    with Path(location).open("rb") as content:
        if content.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise _error("P402", "the file is UTF-16; seeds are read as UTF-8", path, 1, "save it as UTF-8")
        content.seek(0)
        while True:
            chunk = content.read(1 << 16)
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                wrong = error.object[error.start]
                line += error.object[: error.start].count(b"\n")
                message = f"byte {offset - held + error.start + 1} of the file (0x{wrong:02x}) is not UTF-8"
                raise _error("P402", message, path, line, "save the file as UTF-8; it may be Latin-1 or Windows-1252") from None
            line += chunk.count(b"\n")
            offset += len(chunk)


def _read(text: _Text, columns: tuple[str, ...], types: Mapping[str, str], *, narrow: bool) -> pa.RecordBatchReader:
    """Find the types, then a reader that converts as it goes."""
    import pyarrow as pa

    kinds = _find_types(_texts(text, columns), columns, types, narrow=narrow)
    schema = pa.schema(zip(columns, kinds, strict=True))
    blank = {name for name, kind in types.items() if not any(part in kind.casefold() for part in TEXT_TYPES)}

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in _texts(text, columns):
            arrays = [_convert(batch.column(i), schema.field(i).type, blank=name in blank) for i, name in enumerate(columns)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _texts(text: _Text, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """The rows as text, in blocks."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    try:
        rows = arrow_csv.open_csv(
            text.location,
            read_options=arrow_csv.ReadOptions(block_size=BLOCK, column_names=[f"f{i}" for i in range(len(columns))]),
            parse_options=arrow_csv.ParseOptions(delimiter=text.delimiter, quote_char=text.quote, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types={f"f{i}": pa.string() for i in range(len(columns))},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        header = 1
        for batch in rows:
            if batch.num_rows:
                yield batch.slice(header)
                header = 0
    except pa.ArrowInvalid as error:
        raise _error("P401", f"cannot read `{text.path}`: {error}", text.path, 1) from error


def _find_types(
    batches: Iterator[pa.RecordBatch], columns: tuple[str, ...], types: Mapping[str, str], *, narrow: bool
) -> list[pa.DataType]:
    """The first type, in order of preference, that every value of a column can have; text (or ``int32``) without any."""
    import pyarrow as pa

    known = _arrow_types()
    possible = [[] if name in types else [*(["int32"] if narrow else ()), *PATTERNS] for name in columns]
    seen = [False] * len(columns)
    for batch in batches:
        for i, left in enumerate(possible):
            if left and batch.column(i).null_count < batch.num_rows:
                values = batch.column(i).drop_null()
                possible[i] = [kind for kind in left if _all_are(values, kind, known[kind])]
                seen[i] = True
    return [known[left[0]] if left and (filled or narrow) else pa.string() for left, filled in zip(possible, seen, strict=True)]


def _all_are(values: pa.Array, kind: str, arrow_type: pa.DataType) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    pattern = PATTERNS["int64" if kind == "int32" else kind]
    if not pc.match_substring_regex(values[:1], pattern)[0].as_py() or not pc.all(pc.match_substring_regex(values, pattern)).as_py():
        return False
    if kind == "double":
        return bool(pc.all(pc.is_finite(_convert(values, arrow_type))).as_py())
    try:
        _convert(values, arrow_type)  # 32 or 64 bits, days that exist
    except pa.ArrowInvalid:
        return False
    return True


def _convert(values: pa.Array, kind: pa.DataType, *, blank: bool = False) -> pa.Array:
    """Text as ``kind``. ``blank`` makes empty text NULL: the engine is going to cast it to something that has no empty value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_string(kind):
        return pc.cast(pc.utf8_trim(values, characters=" "), kind)
    if blank:
        return pc.if_else(pc.equal(pc.utf8_trim(values, characters=" "), ""), pa.scalar(None, pa.string()), values)
    return values


def _arrow_types() -> dict[str, Any]:
    import pyarrow as pa

    return {
        "int32": pa.int32(),
        "int64": pa.int64(),
        "double": pa.float64(),
        "bool": pa.bool_(),
        "date32[day]": pa.date32(),
        "timestamp[us]": pa.timestamp("us"),
        "timestamp[us, tz=UTC]": pa.timestamp("us", "UTC"),
    }


def _error(code: str, message: str, path: str, line: int, hint: str | None = None) -> ParseError:
    return ParseError(Problem(code, message, Span(path, line), hint))
