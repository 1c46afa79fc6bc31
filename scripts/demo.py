"""Play a scene through the real contracts: python -m scripts.demo [scene]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from seawall.demo.checks import Check
from seawall.demo.errors import DemoError
from seawall.demo.run import load_day, play_wipeout, replay_scene, write, write_figures
from seawall.demo.scene import DEFAULT_SCENE, SCENES, Outage, Scene, Wipeout, find_scene
from seawall.demo.screen import Terminal, show, show_wipeout

OUT = Path("out") / "demo"


def with_outage(scene: Scene, outage_minutes: int | None) -> Scene:
    """The scene, with another length of the keeper's outage if one is given."""
    if outage_minutes is None:
        return scene
    if outage_minutes < 0 or (scene.outage is None and outage_minutes):
        raise DemoError(f"--outage {outage_minutes}: 0 or more minutes, in a scene with an outage")
    if scene.outage is None or outage_minutes == 0:
        return replace(scene, outage=None)
    return replace(scene, outage=Outage(scene.outage.start, outage_minutes))


def arguments() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("scene", nargs="?", default="", help=f"default: {DEFAULT_SCENE}")
    parser.add_argument("--scene", dest="named", default="", help=f"one of {', '.join(SCENES)}")
    parser.add_argument("--outage", type=int, help="minutes in which no keeper acts; 0: none")
    parser.add_argument("--out", type=Path, default=OUT, help=f"folder of the files, default {OUT}")
    return parser.parse_args()


def replay(scene: Scene, console: Console, folder: Path) -> Sequence[Check]:
    """A day, minute by minute. Errors: DemoError."""
    day = load_day(scene)
    with Terminal(console, len(day)) as screen:
        outcome = replay_scene(scene, day, screen)
    show(console, outcome.summary, outcome.checks, write(outcome, folder))
    return outcome.checks


def wipe_out(scene: Wipeout, console: Console, folder: Path) -> Sequence[Check]:
    """One gap. Errors: DemoError."""
    with Terminal(console, 1) as screen:
        outcome = play_wipeout(scene, load_day(scene), screen)
    show_wipeout(console, outcome.summary, outcome.checks, write_figures(outcome, folder))
    return outcome.checks


def main() -> int:
    """Run, show, write; status 1 when the demo cannot run or a promise is broken."""
    console = Console()
    typed = arguments()
    try:
        scene = find_scene(typed.named or typed.scene)
        if isinstance(scene, Wipeout):
            if typed.outage is not None:
                raise DemoError(f"--outage {typed.outage}: the scene {scene.name} has none")
            checks = wipe_out(scene, console, typed.out)
        else:
            checks = replay(with_outage(scene, typed.outage), console, typed.out)
    except DemoError as error:
        console.print(f"[red]demo:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("demo: stopped; the node is gone and nothing was written")
        return 130
    broken = [check.promise for check in checks if not check.kept]
    for promise in broken:
        console.print(f"[red]demo: a promise was broken:[/red] {promise}", highlight=False)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
