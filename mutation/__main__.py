"""Command line: `python -m mutation --help`. The contracts must be compiled."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import seawall.build
from mutation.campaign import Campaign, Plan, check_unmutated, drawn, plan, prepare
from mutation.mutants import Mutant
from mutation.node import NodeStage
from mutation.report import NotesError, Score, load_notes, page, score, survivors
from mutation.store import SOURCES, TESTS, Record, Store, digest
from mutation.targets import TARGETS, Target
from mutation.trial import SURVIVED, TrialError

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "out" / "mutation"
NOTES = Path(__file__).parent / "survivors.yaml"
PAGE = ROOT / "docs" / "mutation.md"


def arguments(line: list[str] | None = None) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(prog="mutation", description="Mutation test of the contracts.")
    names = [target.name for target in TARGETS]
    parser.add_argument("--target", nargs="+", choices=names, help="only these files")
    parser.add_argument(
        "--sample", type=int, default=500, help="mutants drawn from the other files"
    )
    parser.add_argument("--seed", default="seawall", help="another seed draws another sample")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", metavar="ID", help="one mutant, known or not")
    parser.add_argument("--list", action="store_true", help="list the faults and stop")
    parser.add_argument("--fresh", action="store_true", help="forget earlier verdicts")
    parser.add_argument("--no-node", action="store_true", help="skip the unit tests on a node")
    return parser.parse_args(line)


def say(text: str) -> None:
    """One line, at once even into a file."""
    print(text, flush=True)


def narrowed(chosen: Plan, only: str) -> Plan:
    """The same plan with one mutant."""
    mutants = [m for m in [*chosen.complete, *chosen.pool] if m.id == only]
    if not mutants:
        raise TrialError(f"no mutant {only}")
    target = chosen.targets[mutants[0].file]
    return Plan({target.file: target}, mutants, [], 0)


def stores_for(targets: list[Target], fresh: bool) -> dict[str, Store]:
    """Earlier verdicts by file of the target."""
    OUT.mkdir(parents=True, exist_ok=True)
    digests = digest(ROOT, SOURCES), digest(ROOT, TESTS)
    if fresh:
        for target in targets:
            (OUT / f"{target.name}.json").unlink(missing_ok=True)
    return {target.file: Store(OUT, target.name, *digests) for target in targets}


def tried(chosen: Plan, campaign: Campaign) -> list[Record]:
    """Verdicts that count, in the order of the files."""
    records = [r for m in chosen.complete if (r := campaign.record(m.id))]
    records += drawn(chosen, campaign.record)[0]
    return sorted(records, key=lambda r: (list(chosen.targets).index(r["file"]), r["line"]))


def write_page(chosen: Plan, records: list[Record], seed: str) -> None:
    """The generated page. Errors: NotesError."""
    notes = load_notes(NOTES)
    scores = []
    for target in chosen.targets.values():
        mine = [r for r in records if r["file"] == target.file]
        found = sum(m.file == target.file for m in [*chosen.complete, *chosen.pool])
        scores.append(score(f"`{target.name}`", target.complete, found, mine, notes))
    totals = [_total("all complete", True, scores), _total("all sampled", False, scores)]
    PAGE.write_text(page(scores, totals, records, seed) + survivors(records, notes))


def _total(name: str, complete: bool, scores: list[Score]) -> Score:
    mine = [found for found in scores if found.complete == complete]
    return Score(
        f"**{name}**",
        complete,
        sum(one.found for one in mine),
        sum(one.killed for one in mine),
        sum(one.survived for one in mine),
        sum(one.equivalent for one in mine),
    )


def _node_stage(campaign: Campaign, stage: NodeStage, mutants: list[Mutant], workers: int) -> None:
    """What has a note is spared: nothing can kill an equivalent mutant, and of a gap the note says
    that nothing does."""
    notes = load_notes(NOTES)
    known = [(m, campaign.record(m.id)) for m in mutants if m.id not in notes]
    waiting = [
        (mutant, record)
        for mutant, record in known
        if record and record["outcome"] == SURVIVED and not record.get("node")
    ]
    say(f"{len(waiting)} survivors go to the node")
    stage.run(waiting, workers, campaign.replace)
    campaign.save()


def run(options: argparse.Namespace) -> None:
    """Everything that the options ask. Errors: TrialError, NotesError."""
    chosen_targets = [t for t in TARGETS if not options.target or t.name in options.target]
    chosen = plan(ROOT, chosen_targets, options.sample, options.seed)
    if options.list:
        for mutant in [*chosen.complete, *chosen.pool]:
            say(f"{mutant.id} line {mutant.line} {mutant.operator}: {mutant.mutated}")
        return
    if options.only:
        chosen = narrowed(chosen, options.only)
    targets = list(chosen.targets.values())
    stores = stores_for(targets, options.fresh)
    if options.only:
        stores[targets[0].file].records.pop(options.only, None)
    whole_build = ROOT / ".build" / "__local__.json"
    build = json.loads(whole_build.read_text())["contractTypes"]
    bench = prepare(ROOT, build, targets, OUT)
    check_unmutated(bench, targets)
    say(f"{len(chosen.complete)} faults to try, and a sample of {chosen.sample}")
    campaign = Campaign(bench, chosen, stores, say)
    campaign.run(options.workers)
    if not options.no_node:
        stage = NodeStage(bench, chosen.targets, whole_build)
        _node_stage(campaign, stage, [*chosen.complete, *chosen.pool], options.workers)
    records = tried(chosen, campaign)
    for record in records:
        if record["outcome"] == SURVIVED or options.only:
            say(f"{record['outcome']} {record['id']}: {record['mutated']}  {record['test']}")
    if chosen_targets == list(TARGETS) and not options.only:
        write_page(chosen, records, options.seed)
        say(f"written: {PAGE.relative_to(ROOT)}")


def main() -> int:
    """Status 1 if the tests could not be run or a note is wrong."""
    if seawall.build.stale():
        print("contracts changed since they were compiled: run make compile", file=sys.stderr)
        return 1
    try:
        run(arguments())
    except (TrialError, NotesError) as error:
        print(f"mutation: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
