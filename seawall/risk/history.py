"""Hourly closes of real venues as joint log returns; they are no part of the project."""

from __future__ import annotations

import csv
import gzip

import numpy as np

from seawall.replay.windows import HOUR, folder, moment
from seawall.risk.scenarios import Array

SERIES = ("hourly/binance_spot_1h_BTC.csv.gz", "hourly/binance_spot_1h_ETH.csv.gz")


def is_present(names: tuple[str, ...] = SERIES) -> bool:
    """Whether the recorded hours are there."""
    return all((folder() / name).is_file() for name in names)


def hourly_returns(names: tuple[str, ...] = SERIES) -> Array:
    """Log returns of the hours that all series have, and the hour before them too."""
    closes = [_closes(name) for name in names]
    hours = sorted(set.intersection(*(set(series) for series in closes)))
    table = np.log([[series[hour] for series in closes] for hour in hours])
    together = np.diff(hours) == HOUR
    moves: Array = np.diff(table, axis=0)[together]
    return moves


def _closes(name: str) -> dict[int, float]:
    with gzip.open(folder() / name, "rt") as file:
        return {moment(row["ts"]): float(row["close"]) for row in csv.DictReader(file)}
