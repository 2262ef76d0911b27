"""Put defects into copies of the example systems, each before the scenario that must catch it.

python -m tests.example_defects

A defect is a file `examples/EXAMPLE/defects/NAME.toml`. It is caught where its scenario FAILED and the check
that the file names is among those that failed. As many healthy runs as --healthy says must not fail.

Each result is a line in .stormlab/example-defects.jsonl: with --resume, what is there is not run again, if it
was not inconclusive. --share 1/2 makes half of the runs: two processes can make them at once. The page is
written when all results are kept, or with --write: it then says which are missing.

Exit status: 0 where all is as it must be, 1 where a defect is missed or a healthy run failed, 2 where runs
are still to be made, 70 where one could not be made.
"""

from __future__ import annotations

import argparse
import sys

from driver.exit_codes import ExitCode
from driver.machine.example_images import ensure_example_images, write_env_files
from driver.paths import project_root
from tests.example_defects.defect import EXAMPLES, DefectError, load_all
from tests.example_defects.page import PAGE, is_enough, page
from tests.example_defects.results import Results
from tests.example_defects.trial import Planned, Trial, attempt, planned

RUNS = 30


def _share(text: str) -> tuple[int, int]:
    at, _, of = text.partition("/")
    if not (at.isdigit() and of.isdigit() and 1 <= int(at) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text!r} is no share such as 1/2")
    return int(at), int(of)


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(
        prog="python -m tests.example_defects",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    arguments.add_argument("--only", metavar="EXAMPLE[/NAME]", nargs="+", default=[], help="these alone")
    arguments.add_argument("--healthy", type=int, default=RUNS, help=f"number of healthy runs ({RUNS})")
    arguments.add_argument("--share", type=_share, default=(1, 1), metavar="I/N", help="the I-th of N shares")
    arguments.add_argument("--write", action="store_true", help="write the page though runs are missing")
    arguments.add_argument("--resume", action="store_true", help="take the results that are kept")
    return arguments.parse_args()


def _chosen(run: Planned, only: set[str]) -> bool:
    return not only or bool({str(run), run.example, run.scenario} & only)


def _make(runs: list[Planned], results: Results, resume: bool) -> None:
    for run in runs:
        trial = results.known(run) if resume else None
        # An inconclusive run shows nothing, for example where the machine was too busy.
        if trial is None or trial.verdict == "inconclusive":
            trial = attempt(run)
            results.keep(run, trial)
        print(_line(run, trial), flush=True)


def _line(run: Planned, trial: Trial) -> str:
    if run.defect is None:
        return f"{trial.verdict:13} {run}  {', '.join(trial.failed)}"
    outcome = "caught" if trial.catches(run.defect) else "MISSED"
    return f"{outcome:13} {run} {trial.verdict}  {', '.join(trial.failed) or trial.because}"


def main() -> int:
    """Make the runs of a share, and write the page when all are kept."""
    chosen = _arguments()
    write_env_files(EXAMPLES, ensure_example_images(print, project_root()))
    results = Results()
    at, of = chosen.share
    try:
        whole = planned(load_all(), chosen.healthy)
        mine = [run for run in whole if _chosen(run, set(chosen.only))][at - 1 :: of]
        _make(mine, results, chosen.resume)
        kept = {run: results.known(run) for run in whole}
    except DefectError as error:
        print(error, file=sys.stderr)
        return ExitCode.LAB_BROKE
    trials = {run: trial for run, trial in kept.items() if trial is not None}
    is_whole = len(trials) == len(whole)
    if is_whole or chosen.write:
        PAGE.write_text(page(kept))
        print(f"written: {PAGE}")
    if not is_whole:
        print(f"{len(trials)} of {len(whole)} runs are kept")
        return ExitCode.INCONCLUSIVE
    return ExitCode.PASSED if is_enough(trials) else ExitCode.FAILED


if __name__ == "__main__":
    sys.exit(main())
