"""How much of the column lineage is known, as people read it and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from orchestrator.core.graph import Graph
from orchestrator.graph.coverage import Coverage, reasons
from orchestrator.graph.lineage import label
from orchestrator.report.table import table


def covered(graph: Graph, found: Sequence[Coverage], *, width: int | None = None) -> str:
    """A line for each node that is not known in full, the reasons, and the sum."""
    resolved, total = sum(c.resolved for c in found), sum(c.total for c in found)
    gaps = [c for c in found if c.unresolved or c.open_ended]
    share = f" ({100 * resolved / total:.1f}%)" if total else ""
    lines = [f"{resolved} of {total} columns in {len(found)} tables have known origins{share}"]
    if not gaps:
        return lines[0]
    rows = [(label(graph.nodes[c.node]), graph.nodes[c.node].kind, c.resolved, c.unresolved, "yes" if c.open_ended else "") for c in gaps]
    lines += ["", table(["table", "kind", "resolved", "unresolved", "more columns?"], rows, width=width), ""]
    lines += [table(["columns", "tables", "reason"], [(c, n, why) for why, c, n in reasons(tuple(found))], width=width, cell=120)]
    return "\n".join(lines)


def as_json(graph: Graph, found: Sequence[Coverage]) -> str:
    """The same for programs, with every node."""
    nodes = [
        {
            "node": c.node,
            "name": label(graph.nodes[c.node]),
            "kind": graph.nodes[c.node].kind,
            "resolved": c.resolved,
            "unresolved": c.unresolved,
            "reasons": dict(c.reasons),
            "open_ended": c.open_ended or None,
        }
        for c in found
    ]
    why = [{"reason": reason, "columns": columns, "nodes": count} for reason, columns, count in reasons(tuple(found))]
    sums = {"resolved": sum(c.resolved for c in found), "unresolved": sum(c.unresolved for c in found)}
    return json.dumps({"version": 1, **sums, "reasons": why, "nodes": nodes}, indent=2, ensure_ascii=False)
