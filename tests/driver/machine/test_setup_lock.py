import threading
from pathlib import Path

from driver.machine.setup_lock import setup_lock


def test_a_second_set_up_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    lock = tmp_path / "cache" / "setup.lock"
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        with setup_lock(lambda line: waiting.set(), lock):
            order.append("second")

    with setup_lock(lambda line: None, lock):
        other = threading.Thread(target=second)
        other.start()
        assert waiting.wait(timeout=10)
        order.append("first")
    other.join(timeout=10)
    assert order == ["first", "second"]
