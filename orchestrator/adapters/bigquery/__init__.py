"""BigQuery. ``dialect`` (pure) is what to say, ``connection`` (impure) is how to say it, ``profile`` is where."""

from __future__ import annotations
