import pytest

from driver.machine.debian import (
    ARCHIVE_KEYRING,
    InstallPlan,
    NoPlan,
    Source,
    debian_mirror,
    parse_os_release,
    parse_sources,
    plain_uri,
    plan_for,
    trixie_line,
)

DEB822 = """\
# the main archive
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /usr/share/keyrings/one.gpg /usr/share/keyrings/two.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
"""
ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb https://packages.vendor.example/apt vendor-bookworm main
deb [arch=amd64 signed-by=/etc/apt/debian.gpg] http://mirror.example/debian bookworm main contrib # here
deb http://mirror.example/debian-security bookworm-security main
"""


def test_a_deb822_file_gives_its_enabled_binary_sources() -> None:
    assert parse_sources(DEB822, deb822=True) == [
        Source(
            "http://mirror.example/debian",
            ("bookworm", "bookworm-updates"),
            ("main", "contrib"),
            "/usr/share/keyrings/one.gpg,/usr/share/keyrings/two.gpg",
        ),
        Source("http://mirror.example/debian-security", ("bookworm-security",), ("main",)),
    ]


def test_a_one_line_file_gives_its_binary_sources_with_their_keys() -> None:
    sources = parse_sources(ONE_LINE, deb822=False)
    assert [source.uri for source in sources] == [
        "https://packages.vendor.example/apt",
        "http://mirror.example/debian",
        "http://mirror.example/debian-security",
    ]
    assert sources[1] == Source(
        "http://mirror.example/debian", ("bookworm",), ("main", "contrib"), "/etc/apt/debian.gpg"
    )


def test_a_key_written_into_the_file_is_not_taken_for_a_path() -> None:
    text = "Types: deb\nURIs: http://m.example/\nSuites: bookworm\nComponents: main\n"
    text += "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n abc\n"
    assert parse_sources(text, deb822=True)[0].signed_by == ""


@pytest.mark.parametrize(("text", "deb822"), [(DEB822, True), (ONE_LINE, False)])
def test_the_mirror_is_the_plain_suite_of_neither_security_nor_a_third_party(text: str, deb822: bool) -> None:
    mirror = debian_mirror(parse_sources(text, deb822), "bookworm")
    assert mirror is not None
    assert mirror.uri == "http://mirror.example/debian"


def test_no_mirror_is_made_up_where_the_host_names_none() -> None:
    assert debian_mirror([Source("http://vendor.example", ("bookworm",), ("extra",))], "bookworm") is None


def test_trixie_comes_from_the_hosts_own_mirror() -> None:
    mirror = Source("http://mirror.example/debian", ("bookworm",), ("main",))
    assert (
        trixie_line(mirror) == f"deb [signed-by={ARCHIVE_KEYRING}] http://mirror.example/debian trixie main\n"
    )


def test_a_mirror_list_gives_its_first_web_address() -> None:
    text = "file:/srv/debian\nhttp://cloud.example/debian priority:1\nhttps://second.example/debian\n"
    assert plain_uri("mirror+file:/etc/apt/mirrors/debian.list", text) == "http://cloud.example/debian"
    assert plain_uri("cdrom:[Debian 12]/", "") is None


def test_bookworm_gets_its_engine_from_trixie_and_its_runc_from_itself() -> None:
    plan = plan_for({"ID": "debian", "VERSION_ID": "12"})
    assert isinstance(plan, InstallPlan)
    assert "docker.io" in plan.from_trixie
    assert "runc" in plan.own
    assert "runc" not in plan.from_trixie


@pytest.mark.parametrize("version", [{"VERSION_ID": "13"}, {"VERSION_ID": "14"}, {}])
def test_trixie_and_newer_get_everything_from_themselves(version: dict[str, str]) -> None:
    plan = plan_for({"ID": "debian", **version})
    assert isinstance(plan, InstallPlan)
    assert {"docker.io", "docker-compose", "docker-buildx"} <= set(plan.own)
    assert plan.from_trixie == ()


def test_ubuntu_gets_its_own_packages_by_its_own_names() -> None:
    plan = plan_for({"ID": "ubuntu", "VERSION_ID": "24.04"})
    assert isinstance(plan, InstallPlan)
    assert "docker-compose-v2" in plan.own


@pytest.mark.parametrize(
    "os_release",
    [{"ID": "debian", "VERSION_ID": "11"}, {"ID": "ubuntu", "VERSION_ID": "20.04"}, {"ID": "fedora"}, {}],
)
def test_a_system_without_fitting_packages_gets_the_names_of_what_to_install(
    os_release: dict[str, str],
) -> None:
    plan = plan_for(os_release)
    assert isinstance(plan, NoPlan)
    assert "Compose 2.20" in plan.because


def test_os_release_fields_are_unquoted() -> None:
    text = 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n# a comment=1\nVERSION_ID="12"\n'
    assert parse_os_release(text) == {
        "ID": "debian",
        "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)",
        "VERSION_ID": "12",
    }
