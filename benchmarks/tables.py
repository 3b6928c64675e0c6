"""The results as text: Markdown tables, and the bars from the specification with ok or MISSED."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from measure import Sample

OPENING, CLOSING = "<!-- results: written by run.py --readme -->", "<!-- end of results -->"


@dataclass(frozen=True)
class Bar:
    """A promise: ``measure`` (``cpu`` seconds or ``rss`` MB) of one of orc's cases stays at or under ``limit``."""

    case: str
    models: int
    measure: str
    limit: float


BARS = (
    Bar("--help", 0, "cpu", 0.15),
    Bar("parse, cold", 1000, "cpu", 2.5),
    Bar("parse, cold", 1000, "rss", 200),
    Bar("parse, cold", 5000, "cpu", 12),
    Bar("parse, cold", 5000, "rss", 200),
    Bar("parse, warm", 1000, "cpu", 0.15),
    Bar("parse, warm", 5000, "cpu", 0.5),
    Bar("ls, warm", 1000, "cpu", 0.15),
    Bar("ls, warm", 5000, "cpu", 0.5),
    Bar("parse, one model changed", 1000, "cpu", 0.35),
    Bar("parse, one model changed", 5000, "cpu", 0.8),
    Bar("docs generate --offline, cold", 5000, "cpu", 60),
    Bar("docs generate --offline, warm", 5000, "cpu", 5),
)
# Five times the models may take five times as long; a little more is the noise of the two measurements.
LINEAR = 1.15
RUN_OVER_FLOOR = 1.3


def best(row: Mapping[str, Any]) -> Sample:
    """The lowest times over a row's repetitions (disturbance only ever adds), the highest memory, and the worst exit code.

    >>> best({"samples": [{"wall": 2, "cpu": 1, "rss": 9, "code": 0}, {"wall": 1, "cpu": 3, "rss": 8, "code": 0}]})
    Sample(wall=1, cpu=1, rss=9, code=0)
    """
    wall, cpu, rss, code = ([sample[key] for sample in row["samples"]] for key in ("wall", "cpu", "rss", "code"))
    return Sample(min(wall), min(cpu), max(rss), max(code, key=abs))


def find(rows: Sequence[Mapping[str, Any]], case: str, models: int, tool: str) -> Sample | None:
    """A result, or ``None`` when it was not measured."""
    return next((best(row) for row in rows if (row["case"], row["models"], row["tool"]) == (case, models, tool)), None)


def verdicts(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, str]]:
    """``(bar, limit, measured, ok | MISSED | not measured)`` for each promise."""
    found = []
    for bar in BARS:
        sample = find(rows, bar.case, bar.models, "orc")
        unit = "s CPU" if bar.measure == "cpu" else "MB"
        value = None if sample is None else math.inf if sample.code else getattr(sample, bar.measure)
        name = f"{bar.case}, {bar.models:,} models" if bar.models else bar.case
        found.append(verdict(name, value, bar.limit, unit))
    small, large = find(rows, "parse, cold", 1000, "orc"), find(rows, "parse, cold", 5000, "orc")
    growth = large.cpu / small.cpu / 5 if small and large and not small.code and not large.code else None
    found.append(verdict("parse, cold: CPU a model at 5,000 over the same at 1,000", growth, LINEAR, "x"))
    return found + [over_floor(rows, case) for case in run_cases(rows)]


def run_cases(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["case"] for row in rows if row["case"].startswith("run") and row["case"].endswith("first")))


def over_floor(rows: Sequence[Mapping[str, Any]], case: str) -> tuple[str, str, str, str]:
    """A whole run over the cheapest way to send the same statements, whatever number of threads that used."""
    floor = [best(r).cpu for r in rows if r["case"] == case and "statements of orc" in r["tool"] and not best(r).code]
    models = next(r["models"] for r in rows if r["case"] == case)
    run = find(rows, case, models, "orc")
    value = None if run is None or not floor else math.inf if run.code else run.cpu / min(floor)
    return verdict(f"{case}, {models:,} models: CPU over the same statements by hand", value, RUN_OVER_FLOOR, "x")


def verdict(name: str, value: float | None, limit: float, unit: str) -> tuple[str, str, str, str]:
    """A line of the bars: ``None`` was not measured, infinite is a command that failed.

    >>> verdict("--help", 0.2, 0.15, "s CPU")
    ('--help', '≤ 0.15 s CPU', '0.20', 'MISSED')
    """
    if value is None:
        return name, f"≤ {limit:g} {unit}", "-", "not measured"
    shown = "failed" if math.isinf(value) else f"{value:.0f}" if unit == "MB" else f"{value:.2f}"
    return name, f"≤ {limit:g} {unit}", shown, "ok" if value <= limit else "MISSED"


def missed(result: Mapping[str, Any]) -> bool:
    """Whether a bar that was measured was not reached."""
    return any(outcome == "MISSED" for *_, outcome in verdicts(result["rows"]))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """
    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = [head, *rows]
    return "\n".join(["| " + " | ".join(lines[0]) + " |", "|" + "---|" * len(head), *("| " + " | ".join(r) + " |" for r in lines[1:])])


def cell(sample: Sample) -> list[str]:
    if sample.code:
        return [f"failed ({sample.code})", "-", "-"]
    digits = 3 if sample.cpu < 1 else 2
    return [f"{sample.cpu:.{digits}f}", f"{sample.wall:.{digits}f}", f"{sample.rss:.0f}"]


def parsing(rows: Sequence[Mapping[str, Any]]) -> str:
    wanted = [r for r in rows if not r["case"].startswith("run")]
    lines = []
    for case, models in dict.fromkeys((r["case"], r["models"]) for r in wanted):
        pair = {r["tool"]: best(r) for r in wanted if (r["case"], r["models"]) == (case, models)}
        cells = [c for tool in ("orc", "dbt") for c in (cell(pair[tool]) if tool in pair else ["-"] * 3)]
        ours, theirs = pair.get("orc"), pair.get("dbt")
        times = f"{theirs.cpu / ours.cpu:.1f}x" if ours and theirs and not ours.code and not theirs.code else "-"
        lines.append([case, f"{models:,}" if models else "-", *cells, times])
    return table(["what", "models", "orc CPU s", "wall s", "MB", "dbt CPU s", "wall s", "MB", "dbt / orc, CPU"], lines)


def running(rows: Sequence[Mapping[str, Any]]) -> str:
    wanted = [r for r in rows if r["case"].startswith("run")]
    lines = [[r["case"], f"{r['models']:,}", r["tool"], *cell(best(r))] for r in wanted]
    return table(["what", "models", "who", "CPU s", "wall s", "MB"], lines)


def tables(result: Mapping[str, Any]) -> str:
    """Everything of a result, as Markdown."""
    rows = result["rows"]
    listed = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    parts = [
        f"{result['date']}, {result['cores']} cores, {result['system']}, load {result['load at start']} at the start. {listed}.",
        parsing(rows),
        running(rows) if any(r["case"].startswith("run") for r in rows) else "",
        table(["bar", "limit", "orc", ""], verdicts(rows)),
    ]
    return "\n\n".join(part for part in parts if part)


def inserted(readme: str, text: str, between: tuple[str, str] = (OPENING, CLOSING)) -> str:
    """The README with ``text`` between two markers.

    >>> inserted(f"a\\n{OPENING}\\nold\\n{CLOSING}\\nb", "new") == f"a\\n{OPENING}\\n\\nnew\\n\\n{CLOSING}\\nb"
    True
    """
    opening, closing = between
    before, _, rest = readme.partition(opening)
    _, _, after = rest.partition(closing)
    return f"{before}{opening}\n\n{text}\n\n{closing}{after}"
