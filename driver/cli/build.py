"""`lab.py build`: builds the lab's images that are missing or out of date."""

from __future__ import annotations

import json

import click

from driver.cli import options
from driver.engines import images
from driver.labs.project_name import default_project
from driver.terminal import Terminal, print_json, print_lines


@click.command("build")
@options.engine
@options.as_json
@options.log_level
def command(as_json: bool) -> None:
    """Build the lab's images. An image whose inputs have not changed is not built again."""
    services = [image.service for image in images.CATALOGUE]
    with Terminal() as terminal:
        ids = options.engine_to_fill(default_project(), terminal.info).ensure_images(services, terminal.info)
    if as_json:
        print_json(json.dumps(ids))
    else:
        print_lines([f"{service:<12}{image}" for service, image in ids.items()])
