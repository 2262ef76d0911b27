import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from driver.machine import virtualenv
from driver.machine.buildenv import BuildSecrets
from driver.machine.engine_install import EngineFound
from driver.machine.setup import Machine
from driver.machine.virtualenv import go_on_inside, is_current, is_ours, lacking, stamp_for
from driver.paths import is_checkout

ROOT = Path(__file__).parents[3]


def test_compose_gets_bases_and_secrets_by_name() -> None:
    machine = Machine(
        EngineFound("26.1", "2.26", "0.13"),
        {"PYTHON_BASE": "p", "GO_BASE": "g"},
        BuildSecrets(Path("/ca"), Path("/env")),
    )
    assert machine.environment() == {
        "PYTHON_BASE": "p",
        "GO_BASE": "g",
        "STORMLAB_CA": "/ca",
        "STORMLAB_BUILD_ENV": "/env",
    }


def test_a_checkout_is_recognised_by_its_compose_file_and_command(tmp_path: Path) -> None:
    assert not is_checkout(tmp_path)
    (tmp_path / "compose.yaml").touch()
    (tmp_path / "lab.py").touch()
    assert is_checkout(tmp_path)


def test_a_finished_environment_of_this_lock_needs_no_work(tmp_path: Path) -> None:
    stamp = tmp_path / "stamp"
    wanted = stamp_for(b"lock", "3.11.2")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    assert not is_current(stamp, wanted)
    stamp.write_text(wanted)
    assert is_current(stamp, wanted)


def test_another_lock_or_another_python_makes_the_environment_again() -> None:
    stamps = {stamp_for(b"lock", "3.11.2"), stamp_for(b"other", "3.11.2"), stamp_for(b"lock", "3.12.1")}
    assert len(stamps) == 3


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an environment that is there, and in which nothing is installed yet."""
    folder = tmp_path / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    (folder / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {sys.version.split()[0]}\n")
    for name in ("STAMP", "DEV_STAMP", "BENCH_STAMP"):
        monkeypatch.setattr(virtualenv, name, folder / getattr(virtualenv, name).name)
    return folder


def finish(wants: str) -> None:
    """As if the packages had been installed."""
    for layer in lacking(wants):
        layer.stamp.write_text(layer.wanted)


def locks(wants: str) -> list[str]:
    return [layer.lock.name for layer in lacking(wants)]


def test_a_user_gets_what_the_lab_needs_and_nothing_of_the_tests(venv: Path) -> None:
    assert locks("") == ["requirements.lock"]
    finish("")
    assert (locks(""), locks("dev")) == ([], ["requirements-dev.lock"])


def test_what_the_tests_need_is_all_that_the_lab_needs(venv: Path) -> None:
    finish("dev")
    assert (locks(""), locks("dev"), locks("bench")) == ([], [], ["requirements-bench.lock"])
    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def pins(lock: str) -> set[str]:
    return set(re.findall(r"^[\w.-]+==[^ ;\\]+", (ROOT / lock).read_text(), flags=re.MULTILINE))


def test_packages_are_added_to_a_finished_environment_of_this_python_alone(venv: Path) -> None:
    assert not is_ours(venv)
    finish("")
    assert is_ours(venv)
    (venv / "pyvenv.cfg").write_text("version = 3.9.2\n")
    assert not is_ours(venv)


@pytest.mark.parametrize("target", ["lint", "test", "simulate", "fuzz", "mutants", "bench", "docs"])
def test_make_brings_the_packages_of_the_tests_only_where_they_are_needed(target: str) -> None:
    def steps(name: str) -> list[str]:
        found = subprocess.run(["make", "-n", name], cwd=ROOT, capture_output=True, text=True, check=True)
        return [line for line in found.stdout.splitlines() if "virtualenv.py" in line]

    assert any(line.endswith("virtualenv.py dev") for line in steps(target))
    assert not any("dev" in line for name in ("setup", "demo") for line in steps(name))


def test_the_virtual_environment_is_made_with_the_standard_library_alone() -> None:
    """It runs before anything is installed: an import of a library would end every fresh start."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import json;"
    code += "import driver.machine.virtualenv, driver.machine.apt; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    # Rooms of ours; whatever they import in turn is counted too.
    tops = {name.partition(".")[0] for name in json.loads(done.stdout)} - {"__main__", "driver", "chaos"}
    assert tops <= set(sys.stdlib_module_names)


def test_the_command_line_works_with_a_python_that_has_no_packages() -> None:
    # -S: without site-packages, and so without the environment that they are in.
    bare = [sys.executable, "-S", "lab.py", "--help"]
    found = subprocess.run(bare, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stderr) == (0, "")
    assert "A lab for network chaos" in found.stdout


def test_an_environment_that_lacks_a_package_says_how_to_mend_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        go_on_inside(ModuleNotFoundError("No module named 'click'", name="click"))
    assert ended.value.code == 70
    assert capsys.readouterr().err == "stormlab: .venv lacks click. Bring it up to date: make setup\n"
