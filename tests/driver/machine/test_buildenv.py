import subprocess
from pathlib import Path

from driver.machine.buildenv import (
    LARGEST_SECRET_BYTES,
    choose_bundle,
    parse_pip_config,
    render,
    settings,
    write_secrets,
)


def test_pips_stored_configuration_becomes_its_variables() -> None:
    text = (
        ":env:.find-links='/opt/wheels'\nglobal.index-url='https://u:p@index.example/simple'\n"
        "global.cert='/etc/ssl/mine.pem'\ninstall.trusted-host='one.example\\ntwo.example'\nlist.format='columns'\n"
    )
    assert parse_pip_config(text) == {
        "PIP_INDEX_URL": "https://u:p@index.example/simple",
        "PIP_TRUSTED_HOST": "one.example two.example",
    }


def test_the_environment_goes_above_what_is_stored() -> None:
    found = settings({"GOPROXY": "https://env.example"}, {}, {"GOPROXY": "https://stored.example"})
    assert found == {"GOPROXY": "https://env.example"}


def test_what_pip_and_go_have_stored_reaches_a_build() -> None:
    found = settings({}, {"PIP_INDEX_URL": "https://pip.example"}, {"GOPROXY": "https://go.example"})
    assert found == {"GOPROXY": "https://go.example", "PIP_INDEX_URL": "https://pip.example"}


def test_nothing_of_the_environment_but_network_settings_reaches_a_build() -> None:
    assert settings({"HOME": "/root", "TOKEN": "secret", "PIP_FIND_LINKS": "/opt/wheels"}, {}, {}) == {}


def test_a_shell_reads_back_exactly_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "build_env"
    file.write_text(render({"PIP_INDEX_URL": "https://u:p'a $b@index.example/simple"}))
    done = subprocess.run(
        ["sh", "-c", f'. {file}; printf %s "$PIP_INDEX_URL"'], capture_output=True, text=True, check=True
    )
    assert done.stdout == "https://u:p'a $b@index.example/simple"


def test_the_bundle_the_environment_names_goes_first(tmp_path: Path) -> None:
    named, usual = tmp_path / "named.pem", tmp_path / "usual.pem"
    named.write_text("a")
    usual.write_text("b")
    assert choose_bundle({"SSL_CERT_FILE": str(named)}, (str(usual),)) == named
    assert choose_bundle({}, (str(usual),)) == usual


def test_an_empty_missing_or_oversized_bundle_is_passed_over(tmp_path: Path) -> None:
    empty, large = tmp_path / "empty.pem", tmp_path / "large.pem"
    empty.write_text("")
    large.write_bytes(b"x" * (LARGEST_SECRET_BYTES + 1))
    assert choose_bundle({}, (str(empty), str(tmp_path / "missing.pem"), str(large))) is None


def test_only_the_user_may_read_what_may_hold_a_password(tmp_path: Path) -> None:
    secrets = write_secrets(tmp_path, {"PIP_INDEX_URL": "https://u:p@index.example"})
    assert secrets.build_env.stat().st_mode & 0o077 == 0
    assert "u:p@index.example" in secrets.build_env.read_text()
