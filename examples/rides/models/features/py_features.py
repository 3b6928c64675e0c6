"""What the model that plans tomorrow's shifts is fed with: a row for each driver."""

import os
import time
from pathlib import Path


def model(ctx):
    _faults(os.environ)
    trips = ctx.ref("core_trips").df()
    trips["hour"] = trips["requested_at"].dt.hour
    features = trips.groupby("driver_id").agg(
        trips=("trip_id", "count"),
        kilometres=("kilometres", "sum"),
        mean_fare=("fare", "mean"),
        usual_hour=("hour", "median"),
    )
    return features.reset_index()


def _faults(env):
    """SLOW=py_features:20 takes 20 seconds, FLAKY=py_features:2 loses its connection twice, BREAK=py_features is wrong for good."""
    which, _, much = env.get("SLOW", "").partition(":")
    if which == "py_features":
        time.sleep(float(much))
    which, _, often = env.get("FLAKY", "").partition(":")
    if which == "py_features":
        tries = Path("target/flaky")
        count = len(tries.read_text()) if tries.is_file() else 0
        if count < int(often):
            tries.parent.mkdir(exist_ok=True)
            tries.write_text("x" * (count + 1))
            raise ConnectionError("the connection was lost (FLAKY)")
        tries.unlink(missing_ok=True)
    if env.get("BREAK") == "py_features":
        raise ValueError("broken on purpose (BREAK)")
