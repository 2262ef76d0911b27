"""Claims about the ports that a Dockerfile names before its image is built."""

from __future__ import annotations

import pytest

from driver.systems.dockerfile_ports import NamedPorts, named_ports

UNKNOWN = {
    "a variable as the port": "FROM a\nEXPOSE $PORT\n",
    "a variable as the base": "FROM a:${TAG}\nEXPOSE 80\n",
    "a here-document": "FROM a\nRUN <<EOF\nEXPOSE 80\nEOF\n",
    "another escape character": "# escape=`\nFROM a\nEXPOSE 80\n",
    "no stage": "EXPOSE 80\n",
}


def test_the_ports_of_the_last_stage_are_named() -> None:
    first, last = "FROM a AS build\nEXPOSE 1\n", "FROM --platform=linux/amd64 b\n# EXPOSE 2\n"
    text = "expose 80 443/tcp 53/udp \\\n 90-91\n"
    assert named_ports(first + last + text) == NamedPorts(frozenset({80, 443, 90, 91}), "b")


def test_a_stage_has_the_ports_of_the_stage_that_it_is_made_from() -> None:
    text = "FROM a AS Base\nEXPOSE 1\nFROM base AS web\nEXPOSE 2\nFROM b\n"
    assert named_ports(text, "web") == NamedPorts(frozenset({1, 2}), "a")
    assert named_ports(text, "1") == NamedPorts(frozenset({1, 2}), "a")


@pytest.mark.parametrize("text", UNKNOWN.values(), ids=UNKNOWN)
def test_what_only_a_build_decides_is_unknown(text: str) -> None:
    assert named_ports(text) is None


def test_a_stage_that_is_not_there_is_unknown() -> None:
    assert named_ports("FROM a\nEXPOSE 80\n", "web") is None
