"""Checks of Python and Docker."""

from __future__ import annotations

import os
import platform
import shutil
import sys

from driver.machine import base_images, engine_install
from driver.machine.doctor_result import (
    MAKE_SETUP,
    NOT_CHECKED,
    CheckResult,
    DoctorStatus,
    MachineContext,
    bad_unless,
)
from driver.subprocesses import ask


def python_version(_: MachineContext) -> CheckResult:
    found = f"{platform.python_version()} ({sys.executable})"
    good = sys.version_info >= (3, 11)
    return CheckResult("Python", bad_unless(good), found, "install Python 3.11 or newer, then `make setup`")


def docker_client(_: MachineContext) -> CheckResult:
    client = shutil.which("docker")
    outcome = ask(["docker", "--version"])
    return CheckResult(
        "docker client",
        bad_unless(outcome.ok),
        f"{client}: {outcome.text}" if client else "none",
        MAKE_SETUP,
    )


def docker_engine(context: MachineContext) -> CheckResult:
    name = "docker engine"
    if context.engine is None:
        where = os.environ.get("DOCKER_HOST", "the local socket")
        return CheckResult(
            name, DoctorStatus.BAD, f"none answers at {where}", f"{MAKE_SETUP}; it installs and starts one"
        )
    refused = engine_install.refusal(context.engine, "2.20", "0.1")
    return CheckResult(name, bad_unless(refused is None), context.engine, refused or "")


def compose_plugin(_: MachineContext) -> CheckResult:
    found = engine_install.plugin_version("compose")
    refused = engine_install.refusal("24.0", found, "0.1")
    return CheckResult(
        "Compose", bad_unless(refused is None), found or "not found by the docker client", refused or ""
    )


def buildx_plugin(_: MachineContext) -> CheckResult:
    found = engine_install.plugin_version("buildx")
    refused = engine_install.refusal("24.0", "2.20", found)
    return CheckResult(
        "buildx", bad_unless(refused is None), found or "not found by the docker client", refused or ""
    )


def base_images_present(context: MachineContext) -> CheckResult:
    name = "base images"
    if context.engine is None:
        return CheckResult(name, DoctorStatus.WARN, NOT_CHECKED)
    there = {base.arg: base_images.look(base) for base in base_images.CATALOGUE}
    missing = [arg for arg, image in there.items() if image is None]
    if not missing:
        return CheckResult(name, DoctorStatus.OK, ", ".join(str(image) for image in there.values()))
    registry = ask(["docker", "buildx", "imagetools", "inspect", base_images.PYTHON.official], timeout_s=10)
    if registry.ok:
        return CheckResult(
            name, DoctorStatus.OK, f"not pulled yet ({', '.join(missing)}), but their registry answers"
        )
    cure = f"{MAKE_SETUP}; it builds them from Debian's packages, as root"
    return CheckResult(name, DoctorStatus.BAD, f"{', '.join(missing)} missing, and no registry answers", cure)
