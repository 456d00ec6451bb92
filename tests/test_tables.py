"""Small tables: columns that line up, and words that no page can mistake for tags."""

import re

import pytest

from mds_sim._tables import (
    bar,
    columns,
    html_columns,
    html_table,
    number,
    text_table,
    whisker,
)


def without_style(page: str) -> str:
    """Return HTML without its styles."""
    return re.sub(r' style="[^"]*"', "", page)


def test_words_line_up_in_columns() -> None:
    rows = [("kind", "mean", "max"), ("a", "1", "10"), ("longer", "200", "3")]
    assert text_table("Title", rows) == (
        "Title\n  kind    mean  max\n  a          1   10\n  longer   200    3"
    )


def test_a_table_may_go_without_a_title() -> None:
    assert text_table("", [("a", "1")]) == "  a  1"


def test_a_table_may_go_without_rows() -> None:
    assert text_table("Nothing", []) == "Nothing"
    assert without_style(html_table("Nothing", [])) == (
        "<table><caption>Nothing</caption><tbody></tbody></table>"
    )


def test_no_line_ends_in_blanks() -> None:
    lines = text_table("Title", [("a", ""), ("b", "long")]).splitlines()
    assert lines == [line.rstrip() for line in lines]


def test_rows_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^zip\(\) argument 2 is shorter .*$"):
        text_table("Title", [("a", "1"), ("b",)])


def test_the_html_table_has_a_caption_a_header_and_scopes() -> None:
    page = html_table("Title", [("a", "1")], header=("kind", "n"))
    assert without_style(page) == (
        "<table><caption>Title</caption>"
        '<thead><tr><th scope="col">kind</th><th scope="col">n</th></tr></thead>'
        '<tbody><tr><th scope="row">a</th><td>1</td></tr></tbody></table>'
    )


@pytest.mark.parametrize("where", ["title", "first", "other", "header"])
def test_every_word_of_an_html_table_is_escaped(where: str) -> None:
    words = {"title": "t", "first": "f", "other": "o", "header": "h"}
    words[where] = "<b>\"&'"
    row = (words["first"], words["other"])
    page = html_table(words["title"], [row], header=(words["header"],))
    assert "<b>" not in page
    assert page.count("&lt;b&gt;&quot;&amp;&#x27;") == 1


@pytest.mark.parametrize("name", ["1e5", "12.0", "007", "1_000", "nan"])
def test_a_name_that_looks_like_a_number_stays_a_name(name: str) -> None:
    assert number(name) == name


def test_what_is_no_number_draws_nothing() -> None:
    nan = float("nan")
    assert "nan" not in bar(nan) + columns([0.5, nan], "two shares")
    assert whisker(0.0, nan, 1.0, (0.0, 1.0)) == ""
    assert html_columns("Nothing", {}).count("<tr>") == 1  # the header
