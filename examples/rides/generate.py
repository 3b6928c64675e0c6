"""Writes seeds/trips.csv and seeds/users.csv: a week of a ride-sharing company that does not exist. The same bytes each time.

Whatever this writes is given to the public domain (CC0 1.0).
"""

import csv
import random
from datetime import datetime, timedelta
from pathlib import Path

FIRST = ("Ada", "Bo", "Chidi", "Dara", "Elif", "Femi", "Gita", "Hugo", "Ines", "Juma", "Kofi", "Lena", "Mina", "Nilo", "Oya", "Petra")
CITIES = ("Lagos", "Lisbon", "Lima")
DAYS, PER_DAY = 7, 50
START = datetime(2026, 1, 1)  # noqa: DTZ001 - the files say UTC and no zone


def users(dice: random.Random) -> list[dict[str, object]]:
    """Twelve drivers and forty riders, with the day each signed up."""
    return [
        {
            "user_id": number,
            "role": "driver" if number <= 12 else "rider",
            "name": f"{dice.choice(FIRST)} {number}",
            "city": dice.choice(CITIES),
            "signed_up_on": (START + timedelta(days=dice.randrange(-60, DAYS))).date().isoformat(),
        }
        for number in range(1, 53)
    ]


def trips(dice: random.Random) -> list[dict[str, object]]:
    """Trips as the app sends them: some twice, some cancelled, and refunds among them as trips with a negative fare."""
    found: list[dict[str, object]] = []
    for number in range(1, DAYS * PER_DAY + 1):
        begun = START + timedelta(days=(number - 1) // PER_DAY, seconds=dice.randrange(86_400 - 3_600))
        kilometres = round(dice.uniform(0.8, 22), 1)
        fare = round(2.5 + 1.3 * kilometres, 2)
        fate = dice.random()
        trip: dict[str, object] = {
            "trip_id": number,
            "driver_id": dice.randrange(1, 13),
            "rider_id": dice.randrange(13, 53),
            "requested_at": begun.isoformat(" "),
            "kilometres": kilometres,
            "fare": -fare if fate < 0.03 else fare,
            "status": "cancelled" if 0.03 <= fate < 0.1 else "completed",
        }
        found += [trip] * (2 if fate > 0.95 else 1)
    return found


def write(path: Path, rows: list[dict[str, object]]) -> None:
    """Rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    dice = random.Random(2026)
    folder = Path(__file__).resolve().parent / "seeds"
    write(folder / "users.csv", users(dice))
    write(folder / "trips.csv", trips(dice))
