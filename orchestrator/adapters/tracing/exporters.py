"""The exporters that the standard variables name, found as every program with OpenTelemetry finds them: by their entry points."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

GROUP = "opentelemetry_traces_exporter"


def names(env: Mapping[str, str]) -> tuple[str, ...]:
    """What ``OTEL_TRACES_EXPORTER`` says; ``otlp`` is made exact by the protocol.

    >>> names({}), names({"OTEL_TRACES_EXPORTER": "console, otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    (('otlp_proto_http',), ('console', 'otlp_proto_grpc'))
    """
    protocol = env.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or env.get("OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf"
    words = [word.strip() for word in (env.get("OTEL_TRACES_EXPORTER") or "otlp").split(",") if word.strip()]
    otlp = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    return tuple(otlp if word == "otlp" else word for word in words)


def exporters(env: Mapping[str, str]) -> tuple[SpanExporter, ...]:
    """The exporters.

    Raises:
        LookupError: one is not installed; the text says which.
    """
    # Without a handler of anybody's the library would print stack traces between the lines of a run.
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    found = []
    for name in names(env):
        points = tuple(entry_points(group=GROUP, name=name))
        if not points:
            raise LookupError(f"the exporter `{name}` is not installed")
        found.append(points[0].load()())
    return tuple(found)
