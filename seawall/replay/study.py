"""All replays together, and the tables that show them. Figures for readers: floats are allowed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seawall.replay import cadence, depeg, flash, gap, outage, split
from seawall.replay.cadence import Line, Lines
from seawall.replay.drive import SpecIndex, Step, Workshop, apart
from seawall.replay.tables import bps, hour, money, percent, table
from seawall.replay.venues import FAULTS, NONE, PERPETUAL, SETS, SPOT, Venues
from seawall.replay.windows import MINUTE
from seawall.spec.words import MAX_HALF_WIDTH, RATIO


@dataclass(frozen=True)
class Study:
    """What every replay gave."""

    outage: outage.Outage
    depeg: depeg.Depeg
    split: dict[str, split.Split]
    flash: dict[str, flash.Night]
    venues: Venues
    crash: Lines
    shifted: list[Line]
    calm: Lines
    bouncing: Lines
    gap: dict[str, gap.Gap]


def study(workshop: Workshop) -> Study:
    """Replay everything; the days refreshed every two seconds on the specification alone."""
    crash, calm = cadence.path(cadence.CRASH), cadence.path(cadence.CALM)
    return Study(
        outage.replay(workshop),
        depeg.replay(workshop),
        split.replay(workshop),
        flash.replay(workshop),
        Venues(workshop),
        cadence.replay(SpecIndex, crash, cadence.DAYS),
        cadence.shifted(SpecIndex, crash, cadence.DAYS),
        cadence.replay(SpecIndex, calm, cadence.CALM_DAY),
        cadence.replay(SpecIndex, cadence.bounced(calm), cadence.CALM_DAY),
        gap.replay(workshop),
    )


def tables(found: Study) -> dict[str, str]:
    """Each table of the page by its name."""
    return {
        "outage": outage_table(found.outage),
        "outage alone": alone_table(found.outage),
        "depeg": depeg_table(found.depeg),
        "unseen": unseen_table(found.depeg),
        "settled": settled_table(found.depeg),
        "split": split_table(found.split),
        "two and two": camps_table(found.split["two and two"]),
        "flash": flash_table(found.flash),
        "venues": venues_table(found.venues),
        "faults": faults_table(found.venues),
        "cadence": cadence_table(found),
        "gap": gap_table(found.gap),
    }


def outage_table(found: outage.Outage) -> str:
    """Three feeds, every five minutes."""
    head = (
        "minute", "OKX says", "index", "from the middle of the two others, bps",
        "doubt of OKX, bps", "half-width, bps", "the same if OKX calls its price new, bps off",
    )  # fmt: skip
    rows = []
    for step, posing in list(zip(found.three, found.posing, strict=True))[:66:5]:
        doubt = outage.okx_doubt(step)
        rows.append(
            (
                _minute(step),
                money(step.readings[outage.OKX].price),
                money(step.price.price),
                f"{outage.error(step):.1f}",
                "dropped" if doubt is None else bps(doubt),
                bps(step.price.half_width),
                f"{outage.error(posing):.1f}",
            )
        )
    return table(head, rows)


def alone_table(found: outage.Outage) -> str:
    """A market with the frozen feed only."""
    head = (
        "minute", "index", "Binance perpetual", "off, bps", "half-width, bps", "EMA",
        "a 10x long: E / M at the index", "at its favourable end", "its leg may be moved",
    )  # fmt: skip
    rows = []
    minutes = (0, 10, 11, 15, 20, 25, 30, 31, 45, 59, 60, 75, 90, 120)
    for minute in minutes:
        step, true = found.alone[minute], found.three[minute].readings[1].price
        spot, favourable, usable = outage.ratios(found, step)
        rows.append(
            (
                str(minute),
                money(step.price.price),
                money(true),
                f"{apart(step.price.price, true):.1f}",
                bps(step.price.half_width),
                money(step.average),
                f"{spot:.3f}",
                f"{favourable:.3f}",
                "yes" if usable else "no",
            )
        )
    return table(head, rows)


def depeg_table(found: depeg.Depeg) -> str:
    """Every third close, and the lowest and the highest rebound."""
    head = (
        "close", "spot", "EMA", "for IM", "for MM", "for IM at spot alone",
        "both feeds: index", "half-width, bps", "for IM", "for MM",
    )  # fmt: skip
    pairs = [pair for pair in zip(found.kraken, found.both, strict=True) if pair[0].is_new]
    lowest = min(pairs, key=lambda pair: pair[0].step.price.price)
    rebound = max(pairs, key=lambda pair: depeg.at_spot(pair[0]) - pair[0].initial)
    kept = [pair for i, pair in enumerate(pairs) if i % 4 == 3 or pair in (lowest, rebound)]
    return table(head, [_depeg_row(*pair) for pair in kept])


def unseen_table(found: depeg.Depeg) -> str:
    """How far USDC was traded below what it counted for, before the next close told."""
    head = ("hours", "a lower trade before the next close", "worst: counted at", "traded", "")
    falls = depeg.unseen(found.kraken)
    below = [fall for fall in falls if fall.traded < fall.counted]
    worst = min(below, key=lambda fall: apart(fall.traded, fall.counted))
    figures = (money(worst.counted, 4), money(worst.traded, 4))
    distance = f"{apart(worst.traded, worst.counted) / 100:.1f} %"
    return table(head, [(str(len(falls)), str(len(below)), *figures, distance)])


def settled_table(found: depeg.Depeg) -> str:
    """Ether where USDC is the settlement token: every eighth close, and the lowest."""
    head = ("close", "USDC", "for IM", "for MM", "both feeds: USDC", "for IM", "for MM")
    pairs = zip(found.ether, found.ether_both, strict=True)
    new = [pair for pair in pairs if pair[0].is_new]
    lowest = min(new, key=lambda pair: pair[0].step.price.price)
    return table(
        head, [_settled_row(*pair) for i, pair in enumerate(new) if i % 8 == 3 or pair == lowest]
    )


def _settled_row(kraken: depeg.Worth, both: depeg.Worth) -> tuple[str, ...]:
    figures = [
        (money(one.step.price.price, 4), money(one.initial, 0), money(one.maintenance, 0))
        for one in (kraken, both)
    ]
    return (hour(kraken.step.now), *figures[0], *figures[1])


def _depeg_row(kraken: depeg.Worth, both: depeg.Worth) -> tuple[str, ...]:
    return (
        hour(kraken.step.now),
        money(kraken.step.price.price, 4),
        money(kraken.step.average, 4),
        money(kraken.initial, 0),
        money(kraken.maintenance, 0),
        money(depeg.at_spot(kraken), 0),
        money(both.step.price.price, 4),
        bps(both.step.price.half_width),
        money(both.initial, 0),
        money(both.maintenance, 0),
    )


def split_table(found: dict[str, split.Split]) -> str:
    """Hours of the split, by what the feeds are."""
    head = (
        "feeds", "from spot, bps: mean", "worst", "half-width, bps: median", "largest",
        "hours usable", "hours with a new price",
    )  # fmt: skip
    rows = []
    for name, one in found.items():
        steps = split.parted(one.banded)
        errors = [abs(split.error(step)) for step in steps]
        widths = [step.price.half_width for step in split.parted(one.unbanded)]
        agreed = sum(step.price.half_width != MAX_HALF_WIDTH for step in steps)
        rows.append(
            (
                name,
                f"{np.mean(errors):.0f}",
                f"{max(errors):.0f}",
                f"{np.median(widths) / 10:.0f}",
                f"{max(widths) / 10:.0f}",
                f"{split.usable(steps)} of {len(steps)}",
                f"{agreed} of {len(steps)}",
            )
        )
    return table(head, rows)


def camps_table(found: split.Split) -> str:
    """Two spot feeds and two perpetuals, hour by hour, with the band and without."""
    head = (
        "hour", "spot, twice", "OKX perpetual", "Binance perpetual", "index", "half-width, bps",
        "without the band: index", "half-width, bps",
    )  # fmt: skip
    rows = []
    for step, plain in zip(found.banded, found.unbanded, strict=True):
        if split.CAMPS[0] <= step.now <= split.CAMPS[1]:
            spot, _, okx, binance = (money(reading.price, 3) for reading in step.readings)
            ends = (money(step.price.price, 3), bps(step.price.half_width))
            bare = (money(plain.price.price, 3), bps(plain.price.half_width))
            rows.append((hour(step.now), spot, okx, binance, *ends, *bare))
    return table(head, rows)


def flash_table(found: dict[str, flash.Night]) -> str:
    """The crash hour, by what the feeds are."""
    head = (
        "feeds", "index before", "in the crash", "an hour later",
        "from the others' median, bps: worst", "half-width in the crash, bps",
        "of 18 accounts liquidatable, at most",
    )  # fmt: skip
    rows = []
    for name, night in found.items():
        crash, later = night.after[:2]
        alone = len(crash.readings) == 1
        worst = 0.0 if alone else max(abs(flash.deviation(night, one)) for one in night.after)
        rows.append(
            (
                name,
                money(night.steps[night.start].price.price),
                money(crash.price.price),
                money(later.price.price),
                "" if alone else f"{worst:.1f}",
                bps(crash.price.half_width),
                str(max(flash.liquidatable(night))),
            )
        )
    return table(head, rows)


def venues_table(found: Venues) -> str:
    """Each venue by itself."""
    head = ("venue", "from the median of the four spot venues, bps: mean", "p99", "worst")
    errors = found.venue_errors()
    rows = []
    for name in (*SPOT, PERPETUAL):
        sizes = np.abs(errors[name])
        figures = (sizes.mean(), np.quantile(sizes, 0.99), sizes.max())
        rows.append((name, *(f"{figure:.1f}" for figure in figures)))
    return table(head, rows)


def faults_table(found: Venues) -> str:
    """Indices of three, four and five feeds, one of them faulty."""
    head = (
        "feeds", "one of them", "index off, bps: mean", "p99", "worst",
        "half-width, bps: median", "hours usable",
    )  # fmt: skip
    rows = []
    for number in SETS:
        for fault in (NONE, *FAULTS):
            cell = found.cell(found.runs[number, fault])
            figures = (cell.mean, cell.high, cell.worst, cell.half_width)
            said = (f"{figure:.1f}" for figure in figures)
            rows.append((str(number), fault, *said, percent(cell.usable)))
    return table(head, rows)


def cadence_table(found: Study) -> str:
    """The same path, refreshed at different times."""
    head = (
        "path", "refreshed", "volatility a year at the end", "its highest",
        "off the line of 2 s: median", "worst", "EMA off the line of 2 s, bps: median", "worst",
        "sampled at every refresh",
    )  # fmt: skip
    rows = []
    paths = {"crash": found.crash, "calm day": found.calm, "calm day, bounce": found.bouncing}
    for path, lines in paths.items():
        for seconds, line in lines.items():
            refreshed = f"every {seconds} s"
            rows.append((path, refreshed, *_cadence_figures(line, lines[2])))
        if lines is found.crash:
            for seconds, line in zip(cadence.SHIFTS, found.shifted, strict=True):
                refreshed = f"every 12 s, begun {seconds} s later"
                rows.append((path, refreshed, *_cadence_figures(line, lines[2])))
    return table(head, rows)


def _cadence_figures(line: Line, other: Line) -> tuple[str, ...]:
    gaps = cadence.volatility_gaps(line, other)
    averages = cadence.average_gaps(line, other)
    return (
        f"{cadence.yearly(line.steps[-1]):.2f} %",
        f"{max(map(cadence.yearly, line.steps)):.2f} %",
        f"{np.median(gaps):.3f} %",
        f"{max(gaps):.3f} %",
        f"{np.median(averages):.3f}",
        f"{max(averages):.3f}",
        f"{line.naive[-1]:.2f} %",
    )


def gap_table(found: dict[str, gap.Gap]) -> str:
    """A fall after silence."""
    head = (
        "silence", "price before", "after", "EMA right after", "EMA over the price",
        "within 1 % after", "volatility a year right after", "five minutes later",
        "profit of a 10x short", "its free initial margin",
    )  # fmt: skip
    rows = []
    for name, one in found.items():
        step = one.after[0]
        free, profit = gap.heir(one)
        rows.append(
            (
                name,
                money(one.before.price.price),
                money(step.price.price),
                money(step.average),
                f"{step.price.ema_ratio / RATIO:.4f}",
                f"{one.arrival} s",
                f"{cadence.yearly(step):.0f} %",
                f"{cadence.yearly(one.after[300 // gap.CADENCE]):.0f} %",
                money(profit),
                money(free),
            )
        )
    return table(head, rows)


def _minute(step: Step) -> str:
    return str((step.now - outage.FROZEN) // MINUTE)
