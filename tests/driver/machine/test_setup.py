import json
import subprocess
import sys
from pathlib import Path

import pytest

from driver.machine.buildenv import BuildSecrets
from driver.machine.engine_install import EngineFound
from driver.machine.root import is_checkout
from driver.machine.setup import Machine
from driver.machine.virtualenv import go_on_inside, is_current, stamp_for

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


def test_a_checkout_is_known_by_its_compose_file_and_command(tmp_path: Path) -> None:
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


def test_another_lock_or_another_python_makes_the_environment_anew() -> None:
    stamps = {stamp_for(b"lock", "3.11.2"), stamp_for(b"other", "3.11.2"), stamp_for(b"lock", "3.12.1")}
    assert len(stamps) == 3


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
    told = subprocess.run(bare, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (told.returncode, told.stderr) == (0, "")
    assert "A lab for network chaos" in told.stdout


def test_an_environment_that_lacks_a_package_says_how_to_mend_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        go_on_inside(ModuleNotFoundError("No module named 'click'", name="click"))
    assert ended.value.code == 70
    assert capsys.readouterr().err == "stormlab: .venv lacks click. Bring it up to date: make setup\n"
