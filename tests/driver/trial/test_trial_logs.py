"""Claims about errors in logs that were not there before."""

from __future__ import annotations

from driver.trial.log_patterns import LONGEST_LINE, MOST_PATTERNS, LogPatterns


def test_lines_that_differ_in_numbers_and_ids_are_one_error() -> None:
    lines = [f"job 7{n} failed: id 550e8400-e29b-41d4-a716-44665544{n:04}" for n in range(5)]
    (news,) = LogPatterns().news("api[1]", lines)
    assert (news.count, news.line) == (5, lines[0])


def test_an_error_that_was_usual_is_no_news_in_that_container_alone() -> None:
    patterns = LogPatterns()
    patterns.learn("api[1]", ["error: miss 1"])
    assert patterns.news("api[1]", ["error: miss 2"]) == []
    assert len(patterns.news("api[2]", ["error: miss 2"])) == 1


def test_a_line_that_reports_no_error_is_no_news() -> None:
    assert (
        LogPatterns().news(
            "api[1]", ["GET / 200", "job 3 done", "Traceback (most recent call last):", "    raise error"]
        )
        == []
    )


def test_the_most_frequent_error_is_first() -> None:
    lines = ["error a", "error b", "error b"]
    assert [one.line for one in LogPatterns().news("api[1]", lines)] == ["error b", "error a"]


def test_a_line_is_escaped_cut_and_one_line() -> None:
    (news,) = LogPatterns().news("api[1]", ["error \x1b[2J\u202e " + "x" * 10_000])
    assert news.line.startswith("error \\x1b[2J\\x202e ")
    assert len(news.line) < LONGEST_LINE + 20


def test_the_patterns_that_are_kept_are_bounded() -> None:
    patterns = LogPatterns()
    letters = [f"error {chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}" for n in range(5_000)]
    assert len(patterns.news("api[1]", letters)) == MOST_PATTERNS
