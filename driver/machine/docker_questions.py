"""The doctor's questions about Python and Docker."""

from __future__ import annotations

import os
import platform
import shutil
import sys

from driver.machine import bases, engine_install
from driver.machine.answer import MAKE_SETUP, NOT_ASKED, Answer, Patient, Status, bad_unless
from driver.machine.shell import ask


def python_version(_: Patient) -> Answer:
    found = f"{platform.python_version()} ({sys.executable})"
    good = sys.version_info >= (3, 11)
    return Answer("Python", bad_unless(good), found, "install Python 3.11 or newer, then `make setup`")


def docker_client(_: Patient) -> Answer:
    client = shutil.which("docker")
    outcome = ask(["docker", "--version"])
    return Answer(
        "docker client",
        bad_unless(outcome.ok),
        f"{client}: {outcome.text}" if client else "none",
        MAKE_SETUP,
    )


def docker_engine(patient: Patient) -> Answer:
    name = "docker engine"
    if patient.engine is None:
        where = os.environ.get("DOCKER_HOST", "the local socket")
        return Answer(
            name, Status.BAD, f"none answers at {where}", f"{MAKE_SETUP}; it installs and starts one"
        )
    refused = engine_install.refusal(patient.engine, "2.20", "0.1")
    return Answer(name, bad_unless(refused is None), patient.engine, refused or "")


def compose_plugin(_: Patient) -> Answer:
    found = engine_install.plugin_version("compose")
    refused = engine_install.refusal("24.0", found, "0.1")
    return Answer(
        "Compose", bad_unless(refused is None), found or "not found by the docker client", refused or ""
    )


def buildx_plugin(_: Patient) -> Answer:
    found = engine_install.plugin_version("buildx")
    refused = engine_install.refusal("24.0", "2.20", found)
    return Answer(
        "buildx", bad_unless(refused is None), found or "not found by the docker client", refused or ""
    )


def base_images(patient: Patient) -> Answer:
    name = "base images"
    if patient.engine is None:
        return Answer(name, Status.WARN, NOT_ASKED)
    there = {base.arg: bases.look(base) for base in bases.CATALOGUE}
    missing = [arg for arg, image in there.items() if image is None]
    if not missing:
        return Answer(name, Status.OK, ", ".join(str(image) for image in there.values()))
    registry = ask(["docker", "buildx", "imagetools", "inspect", bases.PYTHON.official], timeout_s=10)
    if registry.ok:
        return Answer(name, Status.OK, f"not here yet ({', '.join(missing)}), but their registry answers")
    cure = f"{MAKE_SETUP}; it makes them from Debian's packages, as root"
    return Answer(name, Status.BAD, f"{', '.join(missing)} not here, and no registry answers", cure)
