"""How much of each departure's delay the aircraft brought along, and where the chain of delays began."""

from typing import Any

import numpy as np
import pandas as pd


def model(ctx: Any) -> pd.DataFrame:
    """One row per leg: its delay split into inherited and own minutes, with the length and root of its chain.

    A leg inherits at most what the aircraft's previous leg was late, so `inherited_minutes` is an upper bound. Each leg's
    answer needs the answer of the leg before it, which is why this is a loop (of five rounds) and not a query.
    """
    legs = ctx.ref("int_aircraft_legs").df()
    legs = legs.sort_values(["tailnum", "flight_date", "leg_number"], ignore_index=True)
    late = legs["departure_delay"].clip(lower=0).to_numpy(dtype="int64")
    before = legs["previous_delay"].fillna(0).clip(lower=0).to_numpy(dtype="int64")
    number = legs["leg_number"].to_numpy(dtype="int64")
    inherited = np.minimum(late, before)
    length = np.zeros(len(legs), dtype="int64")
    root = np.arange(len(legs))
    for leg in range(2, int(number.max(initial=1)) + 1):
        here = np.flatnonzero((number == leg) & (inherited > 0))
        length[here] = length[here - 1] + 1
        root[here] = root[here - 1]
    return pd.DataFrame(
        {
            "flight_key": legs["flight_key"],
            "leg_number": number,
            "previous_delay": legs["previous_delay"].astype("Int64"),
            "departure_delay": legs["departure_delay"].astype("int64"),
            "inherited_minutes": inherited,
            "own_minutes": late - inherited,
            "chain_length": length,
            "root_flight_key": legs["flight_key"].to_numpy()[root],
        }
    )
