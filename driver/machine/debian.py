"""Packages to install on this Debian or Ubuntu, and their sources. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Debian's releases of interest by number. trixie is the first whose Docker is new enough for the lab.
TRIXIE = 13
BOOKWORM = 12
ARCHIVE_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class Source:
    """One apt source: its `uri`, suites and components."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""


@dataclass(frozen=True)
class InstallPlan:
    """`own` come from the host's own sources; `from_trixie` from Debian trixie on the same mirror."""

    own: tuple[str, ...]
    from_trixie: tuple[str, ...] = ()


@dataclass(frozen=True)
class NoPlan:
    """This system has no packages of a recent engine; `because` is a sentence for the user."""

    because: str


def parse_os_release(text: str) -> dict[str, str]:
    """Return the fields of /etc/os-release, unquoted."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.startswith("#"):
            fields[name.strip()] = "".join(shlex.split(value))
    return fields


def plan_for(os_release: Mapping[str, str]) -> InstallPlan | NoPlan:
    """Return the packages of engine, Compose and buildx for the system of /etc/os-release."""
    name = os_release.get("PRETTY_NAME") or os_release.get("ID") or "this system"
    elsewhere = (
        f"{name} has no supported packages. Install Docker Engine 24 or newer and Compose 2.20 "
        "or newer (https://docs.docker.com/engine/install/, or Docker Desktop), start it, and try again."
    )
    number = os_release.get("VERSION_ID", "").partition(".")[0]
    version = int(number) if number.isdigit() else None
    if os_release.get("ID") == "debian":
        # testing and unstable have no number; both are newer than trixie.
        if version is None or version >= TRIXIE:
            packages = (
                "docker.io",
                "docker-cli",
                "docker-compose",
                "docker-buildx",
                "iptables",
                "debootstrap",
            )
            return InstallPlan(own=packages)
        if version == BOOKWORM:
            # bookworm's engine is 20.10; trixie's needs only libc 2.34, and runs beside bookworm's runc.
            return InstallPlan(
                # An older keyring lacks trixie's keys.
                own=("runc", "iptables", "debootstrap", "ca-certificates", "debian-archive-keyring"),
                from_trixie=("docker.io", "docker-cli", "containerd", "docker-compose", "docker-buildx"),
            )
    if os_release.get("ID") == "ubuntu" and version is not None and version >= 22:
        return InstallPlan(own=("docker.io", "docker-compose-v2", "docker-buildx", "iptables", "debootstrap"))
    return NoPlan(elsewhere)


def parse_sources(text: str, deb822: bool) -> list[Source]:
    """Return the enabled binary sources of one apt file; `deb822` is the format of *.sources files."""
    return list(_deb822(text) if deb822 else _one_line(text))


def _one_line(text: str) -> Iterable[Source]:
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words or words[0] != "deb":
            continue
        options: dict[str, str] = {}
        rest = words[1:]
        if rest and rest[0].startswith("["):
            end = next((i for i, word in enumerate(rest) if word.endswith("]")), len(rest) - 1)
            inside = " ".join(rest[: end + 1]).strip("[]")
            options = dict(word.split("=", 1) for word in inside.split() if "=" in word)
            rest = rest[end + 1 :]
        if len(rest) >= 2:
            yield Source(rest[0], (rest[1],), tuple(rest[2:]), options.get("signed-by", ""))


def _deb822(text: str) -> Iterable[Source]:
    for fields in _paragraphs(text):
        if fields.get("enabled", "yes").lower() == "no" or "deb" not in fields.get("types", "deb").split():
            continue
        signed_by = fields.get("signed-by", "")
        for uri in fields.get("uris", "").split():
            yield Source(
                uri,
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                # The key can be inline; only a path can be reused.
                ",".join(signed_by.split()) if signed_by.startswith("/") else "",
            )


def _paragraphs(text: str) -> Iterable[dict[str, str]]:
    fields: dict[str, str] = {}
    last = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, last = {}, ""
        elif line[0] in " \t":
            fields[last] = f"{fields.get(last, '')} {line.strip()}"
        else:
            name, _, value = line.partition(":")
            last = name.strip().lower()
            fields[last] = value.strip()


def debian_mirror(sources: Iterable[Source], codename: str) -> Source | None:
    """Return the host's source of Debian itself: the one with the plain suite; None without one."""
    for source in sources:
        if codename in source.suites and "main" in source.components:
            return source
    return None


def plain_uri(uri: str, mirror_list: str) -> str | None:
    """Return the first http or https address of apt's `mirror+file:`, whose file's text is `mirror_list`.

    debootstrap supports these alone; None without one.
    """
    candidates = (
        [line.split()[0] for line in mirror_list.splitlines() if line.split()] if mirror_list else [uri]
    )
    return next((found for found in candidates if found.startswith(("http://", "https://"))), None)


def trixie_line(mirror: Source) -> str:
    """Return a one-line apt source for Debian trixie on the host's own mirror."""
    return f"deb [signed-by={mirror.signed_by or ARCHIVE_KEYRING}] {mirror.uri} trixie main\n"
