"""How many small faults put into the audit package its tests find: mutation testing with mutmut, one module at a time.

    python bench/mutants.py [MODULE …] [--sample N] [--seed N] [--again] [--minutes N] [--processes N] [--show]

Of each module those test files run that say most about it (the table below), so the scores are lower bounds: a mutant that only another
test would find has survived, and so has one that no test reaches. With --sample at most N mutants of a module are measured, drawn by the
seed, and the score of the package is estimated: each module counts with its number of mutants. Verdicts are kept in build/mutants/, so the
whole can be measured in slices; a module is measured again when it changed, or with --again. Prints a table; with --show what survived.
"""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt

from mutation import FOUND, PACKAGE, PLACE, SLOW, Measurement, draw, measure, say

_COPIES = ("test_copies", "test_keyring_copies", "test_purged_copies")
TESTS: Mapping[str, Sequence[str]] = {
    "errors": ("test_recovery",),
    "layout": ("test_log", "test_second_tree", "test_removing"),
    "state": ("test_log", "test_failing_disk"),
    "frames": ("test_frames",),
    "merkle": ("test_merkle", "test_consistency"),
    "consistency": ("test_consistency",),
    "segment_check": ("test_segment_check",),
    "keyring": ("test_keyring_file", "test_rotation", "test_keyring_copies"),
    "keyring_file": ("test_keyring_file", "test_rotation"),
    "removal": ("test_removal",),
    "kept_hashes": ("test_kept", "test_second_tree", "test_removing"),
    "rotation": ("test_rotation",),
    "incremental": ("test_incremental",),
    "verify": ("test_findings", "test_incremental", "test_rotation", "test_second_tree", "test_removing", "test_remarks"),
    "signed_states": ("test_findings", "test_rotation", "test_second_tree", "test_incremental"),
    "retention": ("test_retention", "test_removing", "test_holds", "test_purged_copies"),
    "holds": ("test_holds",),
    "expiry": ("test_holds",),
    "reader": ("test_kept", "test_recovery", "test_findings", "test_query", "test_second_tree"),
    "recovery": ("test_recovery", "test_second_tree", "test_rotation", "test_removing"),
    "notes": ("test_notes",),
    "durable": ("test_durable",),
    "files": ("test_files",),
    "store": ("test_log", "test_second_tree"),
    "tail": ("test_log",),
    "log": ("test_log", "test_failing_disk", "test_rotation"),
    "opening": ("test_log", "test_rotation"),
    "pulse": ("test_pulse",),
    "tickets": ("test_tickets",),
    "own_words": ("test_own_words",),
    "signing_key": ("test_notes", "test_rotation"),
    "records": ("test_records",),
    "verdict": ("test_findings",),
    "proofs": ("test_proofs",),
    "query": ("test_query",),
    "publishing": ("test_publishing", "test_other_histories"),
    "witness": ("test_witness",),
    "cosignatures": ("test_witness",),
    "copies": _COPIES,
    "copying": _COPIES,
    "restoring": _COPIES,
    "keyring_copies": _COPIES,
    "status": ("test_copies",),
    "reads": ("test_reads",),
    "usage": ("test_usage", "test_charges"),
    "charges": ("test_charges",),
    "verify_offline": ("test_offline_findings", "test_second_tree", "test_rotation", "test_proofs", "test_remarks"),
}
"""What protects most comes first."""


def measure_all(names: Iterable[str], options: argparse.Namespace, end: float) -> None:
    """One module after the other, until the time is over."""
    for module in names:
        try:
            measurement = None if options.again else asked_for(module, options)
            measurement = measurement or draw(module, TESTS[module], options.seed, options.sample)
            say(f"{module}: {len(measurement.left)} of {measurement.total} mutants to be measured")
            measure(measurement, TESTS[module], options.processes, end)
        except subprocess.TimeoutExpired:
            say(f"the time was over within {module}")
            return
        except subprocess.CalledProcessError:
            say(f"{module} could not be measured; see {PLACE / module / 'mutmut.log'}")


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
    parser.add_argument("modules", nargs="*", default=list(TESTS), help="default: all")
    parser.add_argument("--sample", type=int, help="at most so many mutants of a module; default: all")
    parser.add_argument("--seed", type=int, default=1, help="which ones, by default those of 1")
    parser.add_argument("--again", action="store_true", help="also what was measured already")
    parser.add_argument("--minutes", type=float, default=600, help="for all of them together; 0 only prints")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--show", action="store_true", help="name the survivors")
    options = parser.parse_args()
    without_tests = {path.stem for path in PACKAGE.glob("*.py")} - set(TESTS) - {"__init__"}
    if wrong := sorted(without_tests | set(options.modules) - set(TESTS)):
        parser.error(f"no tests are named in the table of this program for {', '.join(wrong)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started ends too
    if options.minutes:
        measure_all(options.modules, options, time.monotonic() + options.minutes * 60)
    report(options)


if __name__ == "__main__":
    main()
