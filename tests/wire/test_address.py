"""Claims about names, ports and the coordinator's URL."""

from __future__ import annotations

import pytest

from wire.address import coordinator_url, index_in_name, link_port, worker_name


def test_the_url_has_the_path_once() -> None:
    assert coordinator_url("toxiproxy", link_port(7)) == "ws://toxiproxy:20007/v1/worker"


def test_two_workers_have_two_names_and_two_links() -> None:
    assert worker_name(1) != worker_name(2)
    assert link_port(1) != link_port(2)


@pytest.mark.parametrize("name", ["stormlab-worker-7", "my-lab-2-worker-7.my-lab-2_links"])
def test_the_number_is_read_from_the_name_that_compose_gave(name: str) -> None:
    assert index_in_name(name) == 7


@pytest.mark.parametrize("name", ["", "3f1c2a", "worker-0", "worker-x.links"])
def test_a_name_without_a_number_is_refused_with_the_cure(name: str) -> None:
    with pytest.raises(ValueError, match="WORKER_INDEX"):
        index_in_name(name)
