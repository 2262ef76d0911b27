"""Claims about a trial's verdict and its reports."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from driver.exit_codes import ExitCode
from driver.paths import project_root
from driver.trial.baseline import FlowBaseline, RequestBaseline, SystemBaseline
from driver.trial.log_patterns import LogNews
from driver.trial.programme import KINDS, TrialStep, selected
from driver.trial.report import as_html, as_markdown, group_lines, log_texts, script
from driver.trial.step_controls import WITHHELD, StepControl
from driver.trial.step_outcome import StepOutcome, StepVerdict, inconclusive, not_tried
from driver.trial.verdict import TrialReport, all_groups, groups, mark, verdict

CUT = TrialStep(KINDS[0], "api->db:5432")
KILL = TrialStep(KINDS[1], "db[1]")
FLOW = FlowBaseline(1_200, 80, 0.1, 1, 0.5)
AT_REST = SystemBaseline(20.0, {"api[1]->db:5432": FLOW}, {})
EVIL = "error <script>alert(1)</script> | `x` \x1b[2J"


def broke(step: TrialStep, advice: str = "Connect again.") -> StepOutcome:
    return StepOutcome(
        step=step, verdict=StepVerdict.broke, waited_s=20, broke=["api[1] ended with 1"], advice=[advice],
        log_news=[LogNews("api[1]", EVIL, 3)],
    )  # fmt: skip


def back(step: TrialStep) -> StepOutcome:
    return StepOutcome(step=step, verdict=StepVerdict.came_back, after_s=0.44)


def report(*outcomes: StepOutcome, folder: str = "/home/me", options: Sequence[str] = ()) -> TrialReport:
    word, because, code = verdict(AT_REST, outcomes, "")
    return TrialReport(
        file="a b/compose.yaml", folder=folder, system="shop", project="p", began_wall_s=0.0, took_s=10.0,
        options=options, baseline=AT_REST, outcomes=outcomes, verdict=word, because=because, exit_code=code,
        notes=["a note"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outcomes", "ended", "code"),
    [
        ([back(CUT)], "", ExitCode.PASSED),
        ([back(CUT), not_tried(KILL, "no time was left")], "", ExitCode.PASSED),
        ([back(CUT), broke(KILL)], "", ExitCode.FAILED),
        ([inconclusive(CUT, "no proof"), broke(KILL)], "", ExitCode.FAILED),
        ([back(CUT), inconclusive(KILL, "no proof")], "", ExitCode.INCONCLUSIVE),
        ([back(CUT)], "stopped by a signal", ExitCode.INCONCLUSIVE),
        ([not_tried(CUT, "no time was left")], "", ExitCode.INCONCLUSIVE),
        ([], "", ExitCode.INCONCLUSIVE),
    ],
    ids=["back", "a part", "broke", "broke and unclear", "unclear", "stopped", "nothing tried", "nothing"],
)
def test_the_verdict_is_that_of_the_worst_step(
    outcomes: Sequence[StepOutcome], ended: str, code: ExitCode
) -> None:
    assert verdict(AT_REST, outcomes, ended)[2] is code


def test_a_system_without_traffic_is_inconclusive() -> None:
    quiet = SystemBaseline(20.0, {}, {})
    assert verdict(quiet, [], "")[1:] == (
        "No link carried traffic while the system was at rest.",
        ExitCode.INCONCLUSIVE,
    )


def test_the_controls_of_a_step_that_came_back_are_in_every_report() -> None:
    links = ("api[1]->db:5432", "web[1]->db:5432")
    one = replace(back(CUT), controls=[StepControl(link, WITHHELD, True) for link in links])
    shown = report(one)
    assert "2 comparisons could have shown otherwise" in shown.because
    assert f"broke with {WITHHELD}: api[1]-&gt;db:5432, web[1]-&gt;db:5432" in as_html(shown)
    text = as_markdown(shown)
    assert "## Controls" in text
    assert WITHHELD in text
    assert "## Controls" not in as_markdown(report(broke(KILL)))


def test_findings_with_the_same_thing_to_change_are_one_group() -> None:
    other = broke(CUT, "Wait longer.")
    found = groups([broke(CUT), other, broke(KILL), back(KILL)])
    assert [[one.step.name for one in group.outcomes] for group in found] == [
        [CUT.name, KILL.name],
        [CUT.name],
    ]


def test_what_a_log_says_cannot_change_a_report() -> None:
    page, text = as_html(report(broke(CUT))), as_markdown(report(broke(CUT)))
    assert "<script>" not in page
    assert "\x1b" not in page + text
    (logged,) = [line for line in text.splitlines() if "alert" in line]
    assert logged.startswith("- Log: `")
    assert logged.count("`") == 2
    assert "&lt;script&gt;alert(1)" in page


def test_the_page_has_every_step_and_needs_no_network() -> None:
    page = as_html(report(broke(CUT), back(KILL)))
    assert all(text in page for text in (CUT.name.replace(">", "&gt;"), KILL.name, "in 0.4 s", "1.2 KB/s"))
    assert "http" not in page.replace("http-equiv", "")


def test_a_group_s_lines_say_what_to_change_and_how_to_see_it_again() -> None:
    (group,) = groups([broke(CUT), broke(KILL)])
    lines = dict(group_lines(group, "results/x"))
    assert lines[""] == "1. Connect again."
    assert lines["after"] == f"{CUT.name}, {KILL.name}"
    assert lines["again"] == "sh results/x/finding-1.sh"


def test_the_script_of_a_finding_repeats_its_steps_with_the_options_of_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "python"
    fake.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n')
    fake.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(fake))
    made = report(
        broke(CUT), broke(KILL), folder=str(tmp_path), options=["--http", "GET", "http://a:1/?x=$HOME"]
    )
    path = tmp_path / "again.sh"
    path.write_text(script(groups(made.outcomes)[0], made))
    done = subprocess.run(["sh", str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        str(project_root() / "lab.py"), "try", "a b/compose.yaml", "--http", "GET", "http://a:1/?x=$HOME",
        "--only", CUT.name, "--only", KILL.name,
    ]  # fmt: skip


def test_the_script_of_a_finding_starts_the_lab_from_the_folder_of_any_system(tmp_path: Path) -> None:
    made = report(broke(CUT), folder=str(tmp_path))
    path = tmp_path / "again.sh"
    path.write_text(script(groups(made.outcomes)[0], made))
    done = subprocess.run(["sh", str(path)], capture_output=True, text=True, check=False)
    # The lab runs, and refuses a system that is not there.
    assert (done.returncode, "is no file" in done.stderr) == (64, True), done.stderr


def test_a_whole_name_selects_that_step_alone_and_a_part_all_that_have_it() -> None:
    longer = TrialStep(KINDS[0], "api->db:54321")
    assert selected([CUT, longer, KILL], [CUT.name]) == [CUT]
    assert selected([CUT, longer, KILL], ["cut"]) == [CUT, longer]


def test_findings_without_advice_that_differ_in_counts_alone_are_one_group() -> None:
    def failed(step: TrialStep, *clauses: str) -> StepOutcome:
        return StepOutcome(step=step, verdict=StepVerdict.broke, broke=clauses)

    assert (
        len(groups([failed(CUT, "3 of 40 requests failed"), failed(KILL, "17 of 40 requests failed")])) == 1
    )
    assert len(groups([failed(CUT, "db[1] is gone"), failed(KILL, "db[2] is gone")])) == 2


def test_a_system_that_answers_no_request_at_rest_is_inconclusive() -> None:
    deaf = replace(AT_REST, requests=RequestBaseline(0.0, 1.0))
    assert verdict(deaf, [back(CUT)], "")[1:] == (
        "No request of the trial was answered while the system was at rest.",
        ExitCode.INCONCLUSIVE,
    )
    assert verdict(deaf, [broke(CUT)], "")[2] is ExitCode.FAILED


def test_what_stopped_while_a_server_was_silent_is_a_finding_that_changes_no_exit_code() -> None:
    stall = TrialStep(next(kind for kind in KINDS if kind.shows_waits), "api->cache:11211")
    links = ["api[1]->db:5432", "web[1]->api:80"]
    made = report(replace(back(stall), stopped=links))
    assert made.exit_code is ExitCode.PASSED
    assert "1 silent server stopped more than the links to it" in made.because
    (group,) = all_groups(made.outcomes)
    lines = dict(group_lines(group, "results/x"))
    assert "Set a time limit on its calls to cache:11211" in lines[""]
    assert lines["stopped"] == ", ".join(links)
    assert [mark(one) for one in (*made.outcomes, back(stall))] == ["warn", "good"]
    assert "again" not in lines
    assert "web[1]-&gt;api:80" in as_html(made)
    assert "Set a time limit" in as_markdown(made)


def test_a_link_that_was_dialled_without_a_wait_is_a_finding_that_changes_no_exit_code() -> None:
    made = report(replace(back(CUT), advice=["api[1]->db:5432 is dialled too often: let it wait."]))
    assert made.exit_code is ExitCode.PASSED
    assert "1 link was dialled too often" in made.because
    (group,) = all_groups(made.outcomes)
    assert (group.weaker, group.advice) == (True, ("api[1]->db:5432 is dialled too often: let it wait.",))
    assert mark(made.outcomes[0]) == "warn"


def test_several_advices_are_sentences_of_which_the_first_is_the_title() -> None:
    one = replace(broke(CUT), advice=["Connect again.", "api[1] waits for db."])
    (group,) = groups([one])
    assert dict(group_lines(group, "x"))[""] == "1. Connect again. api[1] waits for db."
    assert "<h2>1. Connect again.</h2>" in as_html(report(one))


def test_the_log_lines_of_a_finding_begin_with_those_of_the_container_whose_link_is_dead() -> None:
    news = [LogNews("api[2]", "recovered", 9), LogNews("api[1]", "broken", 1)]
    one = replace(broke(CUT), broke=["api->db:5432 has no connection"], log_news=news)
    assert log_texts([one])[0] == "api[1], once: broken"
