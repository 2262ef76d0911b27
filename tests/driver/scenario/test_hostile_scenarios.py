"""Whatever a scenario's file or a flag holds: a sentence with file, line and key, and 64."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driver.cli.main import run
from driver.errors import UsageError
from driver.exit_codes import ExitCode
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import Overrides, load_scenario, parse_scenario, resolved_yaml
from driver.scenarios.yaml_file import MAX_BYTES

ROOT = Path(__file__).resolve().parents[3]
LOAD = "workload:\n  rate: 5/s\n  kinds:\n    - {kind: noop, share: 100%}\n"
GOOD = f"# claim\nworkers: 2\nduration: 10s\n{LOAD}"
MEMORY_BYTES = 2 << 30


def _scenario(workers: str = "2", duration: str = "10s", more: str = "") -> str:
    return f"# claim\nworkers: {workers}\nduration: {duration}\n{LOAD}{more}"


CASES = {
    "date": (_scenario(duration="2020-99-99"), 3, "`duration`: expected a duration"),
    "float tag": (_scenario(duration="!!float abc"), 3, "`duration`: expected a plain value; found the tag"),
    "underscore": (_scenario(workers="0x_"), 2, "`workers`: expected a number"),
    "unknown tag": (_scenario(workers="!foo 3"), 2, "`workers`: expected a plain value; found the tag !foo"),
    "python tag": (_scenario(workers="!!python/name:os.system"), 2, "`workers`: expected a plain value"),
    "tag of a key": (_scenario(more="!!int x: 3\n"), 8, "expected a plain value"),
    "deep list": (f"# claim\nx: {'[' * 400}{']' * 400}\n", 2, "`x`: nested more than"),
    "deep and open": (f"# claim\nx: {'[' * 200_000}", 2, "`x`: nested more than"),
    "deep blocks": ("# claim\nx:\n" + "".join(f"{' ' * n}- \n" for n in range(40)), 33, "nested more than"),
    "truth": (_scenario(workers="true"), 2, "`workers`: a number is expected, found true"),
    "truth deep": (_scenario(more="timeline: [{fault: kill, targets: 1, for: 1s, at: 5s, batch: yes}]\n"),
                   8, "`timeline[0].batch`: a number is expected, found true"),
    "truth in a fault": (
        _scenario(more="timeline: [{fault: fail_first, targets: 1, for: 1s, at: 5s, connections: true}]\n"),
        8, "`timeline[0].connections`: a number is expected, found true"),
    "infinite": (_scenario(more="worker: {slots: .inf}\n"), 8, "`worker.slots`: expected a finite number"),
    "no number": (_scenario(more="worker: {slots: .nan}\n"), 8, "`worker.slots`: expected a finite number"),
    "five thousand digits": (_scenario(workers="9" * 5000), 2, "at most 40 digits; found 5000"),
    "65 bits": (_scenario(workers=str(2**64)), 2, "at most 64 bits"),
    "huge setting": (_scenario(more="worker: {drain_timeout_ms: 9223372036854775807}\n"), 8, "drain_timeout"),
    "digits of a selection": (
        _scenario(more=f"timeline: [{{fault: cut, targets: random {'9' * 5000}, at: 6s}}]\n"), 8, "targets"),
    "endless threshold": (_scenario(more="expect: ['reconnection_time_p99 <= 1e999s']\n"), 8, "finite"),
    "long threshold": (
        _scenario(more=f"expect: ['within {'1s of a: b for ' * 9999}']\n"), 8, "300 characters"),
    "long rule": (_scenario(more=f"abort_when: ['connected < {'1 for ' * 9999}']\n"), 8, "300 characters"),
    "overflow": (_scenario(duration="1e999s"), 3, "`duration`: expected a duration"),
    "a billion tasks": (
        "# c\nworkers: 2\nduration: 7h\nworkload:\n  rate: 20000/s\n  kinds: [{kind: noop}]\n", 5,
        "`workload.rate`: expected at most 5000000 tasks"),
    "surrogate": (_scenario(more='worker: {policy: "\\ud800"}\n'), 8, "U+D800"),
    "nul": (_scenario(more='worker: {policy: "\\0"}\n'), 8, "U+0000"),
    "nul in a key": (_scenario(more='"a\\0": 1\n'), 8, "U+0000"),
    "beyond unicode": (_scenario(workers='"\\UFFFFFFFF"'), 2, "no YAML"),
    "control character": (_scenario(workers="\x07"), 2, "U+0007"),
    "directive": (f"%YAML {'9' * 5000}.1\n---\n{GOOD}", 1, "no YAML"),
    "twice": (_scenario(more="workers: 3\n"), 8, "a second time"),
    "merge": (_scenario(more="worker: {<<: {slots: 3}}\n"), 8, "merge keys"),
    "circle": ("# c\nx: &a [*a]\n", 2, "nested more than"),
    "bomb": ("# c\na0: &a0 [1]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)), 2, "at most 20,000 values"),
    "text bomb": (f"# c\nx: &x {'y' * 500_000}\nl: [{', '.join(['*x'] * 9999)}]\n", 2, "characters of text"),
    "doubling": (
        _scenario(more=f"vars: {{a: {'x' * 500_000}}}\nexpect: ['{'${a}' * 99_999}']\n"), 8, "`vars`"),
    "lists of lists": (
        _scenario(more="vars: {a: [" + "1, " * 9000 + "]}\nexpect: [" + "'${a}', " * 9000 + "]\n"),
        8, "`vars`"),
    "matrix": ("# c\nmatrix:\n" + "".join(f"  v{n}: [1,2,3,4,5,6,7,8,9]\n" for n in range(40)) + GOOD[8:],
               2, "`matrix`: expected at most 200 combinations"),
    "matrix and repeats": (_scenario(more="matrix: {v: [1, 2, 3]}\nrepeat: 1000\n"), 9, "at most 2000 runs"),
    "endless turns": (
        _scenario(duration="1h", more="groups: {none: []}\ntimeline:\n  - {every: 1ms, repeat: 99999, "
                  "at: 5s, parallel: [{every: 1ms, repeat: 99999, sequence: [{fault: cut, targets: none, "
                  "allow_empty: true}]}]}\n"), 10, "begin more than"),
    "faults on one": (
        _scenario(duration="1h", more="timeline: [{fault: latency, mean: 10ms, targets: all, at: 5s, "
                  "for: 1h, every: 1us, repeat: 9999}]\n"), 8, "timeline[0]"),
    "no text": ("\ufeff", 0, "expected a mapping"),
    "two documents": (f"{GOOD}---\n{GOOD}", 8, "no YAML"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "expected"), CASES.values(), ids=CASES)
def test_a_scenario_that_cannot_be_is_refused_with_its_place(
    text: str, line: int, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(text)
    assert run(["validate", str(path)]) == ExitCode.WRONG_USE
    said = capsys.readouterr().err
    assert said.startswith(f"lab.py: {path}:{line}: " if line else f"lab.py: {path}: ")
    assert expected in said
    assert len(said) < 5_000


@pytest.mark.parametrize(
    "flags",
    [
        ["--var", "cap=2020-99-99"], ["--var", "cap=0x_"], ["--var", "cap=!foo"], ["--var", "cap=.nan"],
        ["--var", f"cap={'9' * 5000}"], ["--var", f"cap={'[' * 90_000}"], ["--var", "cap=\udc80"],
        ["--seed", "9" * 200], ["--seed", "9" * 5000], ["--seed", "²"], ["--duration", "9" * 5000],
        ["--duration", "nan"], ["--duration", "1e999s"], ["--workers", "9" * 5000], ["--repeat", "9" * 5000],
        ["--port", "9" * 5000],
    ],
    ids=lambda flags: " ".join(flags)[:30].encode("unicode_escape").decode(),
)  # fmt: skip
def test_a_flag_that_cannot_be_is_refused(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(_scenario(duration="${cap}", more="vars: {cap: 10s}\n"))
    assert run(["scenario", str(path), "--dry-run", *flags]) == ExitCode.WRONG_USE
    said = capsys.readouterr().err
    assert said.startswith("lab.py: ")
    assert len(said) < 5_000


@pytest.mark.parametrize(
    "name",
    ["x" * 5000, "x" * 5000 + ".yaml", "a/" * 3000 + "b.yaml", "\udc80.yaml", "."],
    ids=["long", "long file", "deep", "no text", "folder"],
)
def test_a_name_that_no_file_can_have_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["validate", name], ["scenario", name, "--dry-run"], ["judge", name], ["compare", name]):
        assert run(command) == ExitCode.WRONG_USE, command
    assert "bug" not in capsys.readouterr().err


def _validate_in_little_memory(path: Path) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    words = [sys.executable, str(ROOT / "lab.py"), "validate", str(path)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        words, capture_output=True, text=True, preexec_fn=limit, env=environment, check=False
    )


def test_a_file_of_many_gigabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.yaml"
    with path.open("wb") as file:
        file.truncate(6 << 30)
    ended = _validate_in_little_memory(path)
    assert (ended.returncode, ended.stderr) == (
        ExitCode.WRONG_USE, f"lab.py: {path}: expected at most {MAX_BYTES} bytes; found {6 << 30}\n",
    )  # fmt: skip


def test_variables_that_double_a_text_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "doubling.yaml"
    path.write_text(_scenario(more=f"vars: {{a: {'x' * 500_000}}}\nexpect: ['{'${a}' * 120_000}']\n"))
    ended = _validate_in_little_memory(path)
    assert ended.returncode == ExitCode.WRONG_USE, ended.stderr
    assert "characters of text" in ended.stderr


@pytest.mark.parametrize("begin", ["\ufeff", "%YAML 1.1\n---\n", ""])
def test_a_byte_order_mark_or_a_directive_does_no_harm(begin: str, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(begin + GOOD if "%" not in begin else f"# claim\n{begin}{GOOD}", encoding="utf-8")
    assert load_scenario(path).scenario.clients == 2


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "cp500"])
def test_other_encodings_are_refused(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_bytes(GOOD.encode(encoding))
    with pytest.raises(UsageError):
        load_scenario(path)


# -- any text ------------------------------

_BITS = [
    *(
        "!foo ",
        "!!int ",
        "&a ",
        "*a",
        "<<: ",
        "? ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ": ",
        ", ",
        "| ",
        "> ",
        "'",
        '"',
        "%",
    ),
    *("${a}", "${", "0x_", "0b", "1:30", "2020-99-99", ".inf", ".nan", "1e999", "9" * 50, "-0", "~", "null"),
    *("true", "on", "\t", "\x00", "\x1b[2J", "\ud800", "\\x00", "\\ud800", "\u2028", "\ufeff", "---\n", "\n"),
    *(
        "random 9",
        "1-2",
        "[[1], [2]]",
        "1s..9s",
        "9s..1s",
        "1e9h",
        "-1s",
        "10s",
        "101%",
        "within 1s of heal: ",
    ),
    *("kill", "flap", "latency", "all", "toxiproxy", "fault: ", "every: 1ms", "repeat: 9", "targets: all"),
]
_KEYS = [
    *("workers", "duration", "warmup", "cooldown", "converge", "workload", "worker", "coordinator", "groups"),
    *("timeline", "expect", "checks", "abort_when", "matrix", "repeat", "known_issues", "vars", "quick"),
]
_INNER_KEYS = [*_KEYS, "fault", "targets", "at", "for", "rate", "kinds", "a"]
_WORDS = st.one_of(st.sampled_from(_BITS), st.text(max_size=8), st.floats().map(str), st.integers().map(str))
_VALUES = st.recursive(
    st.lists(_WORDS, max_size=4).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(st.sampled_from(_INNER_KEYS), inner), max_size=4).map(
            lambda pairs: f"{{{', '.join(f'{key}: {value}' for key, value in pairs)}}}"),
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.sampled_from(_KEYS), _VALUES), max_size=6, unique_by=lambda pair: pair[0]),
    st.booleans(),
)
def test_any_text_is_a_scenario_or_is_refused(pairs: list[tuple[str, str]], quick: bool) -> None:
    given_keys = {key for key, _ in pairs}
    rest = "".join(line for line in ("workers: 4\n", "duration: 30s\n", LOAD)
                   if line.partition(":")[0] not in given_keys)  # fmt: skip
    text = "# claim\n" + "".join(f"{key}: {value}\n" for key, value in pairs) + rest
    try:
        loaded = parse_scenario(text, "any", Overrides(quick=quick))
        plan = resolve(loaded, 1)
        assert len(plan.to_json()) < 1 << 26
        assert parse_scenario(resolved_yaml(loaded), "again")
    except UsageError as error:
        found = str(error)
    else:
        found = "good"
    assert 0 < len(found) < 10_000


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=200), st.integers(0, len(GOOD)), st.integers(0, 20))
def test_any_bytes_in_a_file_are_a_scenario_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, put: bytes, place: int, less: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(GOOD.encode()[:place] + put + GOOD.encode()[place + less :])
    assert run(["validate", str(path)]) in (ExitCode.PASSED, ExitCode.WRONG_USE)
