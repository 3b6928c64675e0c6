"""How much of the variation in departure delays a linear model explains from the schedule, from the weather, and from both."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

WEATHER = ["temperature_f", "dew_point_f", "humidity_pct", "wind_mph", "gust_mph", "precipitation_in", "pressure_mb", "visibility_miles"]


def model(ctx: Any) -> pd.DataFrame:
    """One row per airport (and `ALL`) and grain, with the adjusted R² of three least-squares fits."""
    hours = ctx.ref("int_airport_hours").df()
    hours = hours[hours["departed_flights"] > 0].dropna(subset=["temperature_f", "wind_mph"]).reset_index(drop=True)
    # More than half of the wet hours have no pressure reading: take the airport's usual one rather than lose the storm.
    hours["pressure_mb"] = hours["pressure_mb"].fillna(hours.groupby("origin")["pressure_mb"].transform("median"))
    return pd.DataFrame(list(fits(hours)))


def fits(hours: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Fit every airport at every grain: single flights, airport-hours, airport-days."""
    airports = [("ALL", hours), *hours.groupby("origin")]
    for origin, rows in airports:
        for grain, table in (("flight", rows), ("hour", rows), ("day", by_day(rows))):
            weather, schedule = weather_columns(table), schedule_columns(table)
            yield {
                "origin": origin,
                "grain": grain,
                "observations": int(table["departed_flights"].sum()) if grain == "flight" else len(table),
                "schedule_r2": explained(table, schedule, grain),
                "weather_r2": explained(table, weather, grain),
                "both_r2": explained(table, np.column_stack([schedule, weather]), grain),
            }


def by_day(hours: pd.DataFrame) -> pd.DataFrame:
    """Add hours up to days; the day's weather is the mean of its hours, weighted by departures."""
    weights = hours["departed_flights"]
    weighted = (
        hours[WEATHER]
        .mul(weights, axis=0)
        .assign(origin=hours["origin"], flight_date=hours["flight_date"], departed_flights=weights, delay_minutes=hours["delay_minutes"])
    )
    days = weighted.groupby(["origin", "flight_date"], as_index=False).sum()
    days[WEATHER] = days[WEATHER].div(days["departed_flights"], axis=0)
    return days.assign(average_delay=days["delay_minutes"] / days["departed_flights"])


def schedule_columns(table: pd.DataFrame) -> np.ndarray:
    """What the timetable alone knows: airport, month, weekday and, within a day, the hour."""
    dates = pd.to_datetime(table["flight_date"])
    known = {"origin": table["origin"], "month": dates.dt.month, "weekday": dates.dt.day_of_week}
    if "scheduled_hour" in table:
        known["hour"] = table["scheduled_hour"]
    return pd.get_dummies(pd.DataFrame(known).astype("str"), drop_first=True).to_numpy(dtype="float64")


def weather_columns(table: pd.DataFrame) -> np.ndarray:
    """Every reading and its square (too warm and too cold both delay), in units of its own spread."""
    readings = table[WEATHER].to_numpy(dtype="float64")
    scaled = (readings - readings.mean(axis=0)) / readings.std(axis=0)
    return np.column_stack([scaled, scaled**2])


def explained(table: pd.DataFrame, columns: np.ndarray, grain: str) -> float:
    """Adjusted R² of the average delay on `columns`.

    At the grain of a flight all flights of one airport-hour share their predictors, so the fit is the hours' fit weighted
    by departures; what varies between flights within an hour stays unexplained.
    """
    delay = table["average_delay"].to_numpy(dtype="float64")
    flights = table["departed_flights"].to_numpy(dtype="float64")
    weight = flights if grain == "flight" else np.ones(len(table))
    count = weight.sum()
    design = np.column_stack([np.ones(len(table)), columns])
    root = np.sqrt(weight)
    solution, _, rank, _ = np.linalg.lstsq(design * root[:, None], delay * root, rcond=None)
    unexplained = float((weight * (delay - design @ solution) ** 2).sum())
    total = float((weight * (delay - np.average(delay, weights=weight)) ** 2).sum())
    if grain == "flight":
        within = float((table["squared_delay_minutes"] - flights * delay**2).sum())
        unexplained, total = unexplained + within, total + within
    return 1 - (unexplained / (count - rank)) / (total / (count - 1))
