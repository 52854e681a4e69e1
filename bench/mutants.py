"""How many small faults put into the audit package its tests find: mutation testing with mutmut.

    python bench/mutants.py [MODULE …] [--sample N] [--seed N] [--again] [--minutes N] [--processes N] [--show]

Of each module those test files run that say most about it (the groups below), so the scores are lower bounds: a mutant that only another
test would find has survived, and so has one that no test reaches. With --sample at most N mutants of a module are measured, drawn by the
seed, and the score of the package is estimated: each module counts with its number of mutants. Verdicts are kept in build/mutants/, so the
whole can be measured in slices; a module is measured again when it changed, or with --again. Prints a table; with --show what survived.
"""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from math import sqrt

from mutation import FOUND, PACKAGE, SLOW, Group, Measurement, draw, forget, measure, say

GROUPS = tuple(
    Group(tuple(modules.split()), tuple(f"test_{name}" for name in tests.split()))
    for modules, tests in (
        ("verify_offline", "offline_findings same_verdict second_tree rotation proofs remarks"),
        ("log store tail opening layout state", "log group_commit log_opening signing_in_time sealing log_health second_tree failing_disk rotation"),
        (
            "verify signed_states keyring keyring_file rotation incremental segment_check kept_hashes removal verdict",
            "findings rotation keyring_file keyring_copies incremental segment_check kept removal removing second_tree remarks",
        ),
        ("retention holds expiry", "retention removing holds purged_copies"),
        ("reader", "reader kept recovery findings query second_tree"),
        ("recovery torn_tail starting_points errors", "recovery starting_points second_tree rotation removing"),
        ("files durable pulse tickets own_words", "files durable pulse tickets own_words"),
        ("notes signing_key", "notes"),
        ("records", "records"),
        ("publishing witness cosignatures", "publishing other_histories witness"),
        ("usage charges", "usage charges"),
        ("query proofs reads places tree_files rereading", "query proofs reads kept_trees rereading"),
        ("copies copying restoring keyring_copies status", "copies keyring_copies purged_copies"),
        ("held_copies", "held_copies"),
        ("frames", "frames"),
        ("merkle consistency", "merkle consistency"),
    )
)
MODULES = tuple(module for group in GROUPS for module in group.modules)


def measure_all(names: Sequence[str], options: argparse.Namespace, end: float) -> None:
    """One group after the other, until the time is over."""
    for group in GROUPS:
        modules = [module for module in group.modules if module in names and (options.again or not is_known(module, options))]
        if not modules:
            continue
        try:
            measurements = (None if options.again else begun(group, modules, options)) or draw(group, modules, options.seed, options.sample)
            say(f"{', '.join(modules)}: {sum(len(one.left) for one in measurements)} mutants to be measured")
            measure(group, measurements, options.processes, end)
        except subprocess.TimeoutExpired:
            say("the time is over")
            return
        except subprocess.CalledProcessError:
            for module in modules:
                forget(module)  # most often a test that fails without any fault: the next slice begins with the tests as they then are
            say(f"that could not be measured; see {group.place / 'mutmut.log'}")


def begun(group: Group, modules: Sequence[str], options: argparse.Namespace) -> list[Measurement]:
    """What an earlier slice left unfinished; nothing unless it is all there."""
    kept = [one for module in modules if (one := asked_for(module, options))]
    return kept if len(kept) == len(modules) and group.place.exists() else []


def is_known(module: str, options: argparse.Namespace) -> bool:
    """Whether every mutant of the sample has its verdict."""
    kept = asked_for(module, options)
    return kept is not None and not kept.left


def asked_for(module: str, options: argparse.Namespace) -> Measurement | None:
    """What is kept of this module, of these mutants."""
    kept = Measurement.read(module)
    return kept if kept and kept.drawn_as(options.seed, options.sample) else None


def line(measured: Measurement) -> str:
    """A row of the table."""
    count, found = len(measured.verdicts), measured.count(FOUND, SLOW)
    score = f"{100 * found / count:.1f} %" if count else "nothing to mutate"
    return f"| {measured.module} | {measured.total} | {count} | {found} | {measured.count(SLOW)} | {score} | {measured.commit} |"


def estimate(measured: Sequence[Measurement]) -> tuple[float, float]:
    """The share of all mutants that is found, and how far it may lie off (95 %), by the rules of a stratified sample.

    The spread within a module is taken as if one more had been found and one more had survived: a small sample that was found whole proves less
    than that everything is found.
    """
    total = sum(m.total for m in measured)
    share, variance = 0.0, 0.0
    for m in measured:
        if count := len(m.verdicts):
            found = m.count(FOUND, SLOW)
            share += m.total / total * found / count
            near = (found + 1) / (count + 2)
            variance += (m.total / total) ** 2 * (1 - count / m.total) * near * (1 - near) / max(count - 1, 1)
    return share, 1.96 * sqrt(variance)


def report(options: argparse.Namespace) -> None:
    """Prints what is known."""
    known = {module: asked_for(module, options) for module in options.modules}
    measured = [m for m in known.values() if m and not m.left]
    at_most = "every mutant" if options.sample is None else f"at most {options.sample} mutants of a module, seed {options.seed}"
    print(f"{time.strftime('%Y-%m-%d')}, {at_most}\n")
    print("| module | mutants | measured | found | of them by taking too long | score | commit |\n|---|---|---|---|---|---|---|")
    for module, kept in known.items():
        print(line(kept) if kept and not kept.left else f"| {module} | not measured |")
        for name, verdict in (kept.verdicts if kept and options.show else {}).items():
            if verdict not in (FOUND, SLOW, None):
                print(f"    {verdict}: {name}")
    if measured:
        share, off = estimate(measured)
        count, total = sum(len(m.verdicts) for m in measured), sum(m.total for m in measured)
        print(f"\n{len(measured)} modules, {count} of {total} mutants measured: {100 * share:.1f} % ± {100 * off:.1f} found")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", default=list(MODULES), help="default: all")
    parser.add_argument("--sample", type=int, help="at most so many mutants of a module; default: all")
    parser.add_argument("--seed", type=int, default=1, help="which ones, by default those of 1")
    parser.add_argument("--again", action="store_true", help="also what was measured already")
    parser.add_argument("--minutes", type=float, default=600, help="for all of them together; 0 only prints")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--show", action="store_true", help="name the survivors")
    options = parser.parse_args()
    without_tests = {path.stem for path in PACKAGE.glob("*.py")} - set(MODULES) - {"__init__"}
    if wrong := sorted(without_tests | set(options.modules) - set(MODULES)):
        parser.error(f"no tests are named in this program for {', '.join(wrong)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started ends too
    if options.minutes:
        measure_all(options.modules, options, time.monotonic() + options.minutes * 60)
    report(options)


if __name__ == "__main__":
    main()
