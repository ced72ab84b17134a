"""The tables in the pages are those of the CSV files."""

from pathlib import Path

import pytest

from scripts.write_benchmark_tables import DOCS, PAGES, by_size, page, read


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_tables_are_fresh(path: Path):
    found = path.read_text(encoding="utf-8")
    assert found == page(path), "run python -m scripts.write_benchmark_tables"
    assert "<!-- from " in found


def test_every_file_of_figures_is_shown_somewhere():
    text = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md"))
    for own in (DOCS / "benchmarks").glob("*.csv"):
        assert f"{own.name}" in text


def test_a_table_is_made_of_the_columns_that_are_asked_for(tmp_path: Path):
    text = (
        "Before\n\n<!-- from width.csv, without hidden, zoneout -->\n\n| old |\n| --- |\n\nAfter\n"
    )
    (own := tmp_path / "page.md").write_text(text)
    lines = page(own).splitlines()
    assert lines[:4] == [*text.splitlines()[:3], ""]
    assert lines[4] == "| model | K | ms a step of a run | floor, ms | peak MB |"
    assert lines[5] == "| --- | ---: | ---: | ---: | ---: |"
    assert len(lines) == len(read(DOCS / "benchmarks/width.csv")) + 8
    assert lines[-2:] == ["", "After"]


def test_a_summary_ranges_over_the_kinds_of_noise():
    figures = {"ours_ms": "1.0", "torch_ms": "2.0", "ours/torch": ".5"}
    figures |= {f"{rival}_MiB": "3" for rival in ("ours", "torch", "loop")}
    plain = {"cell": "gru", "hidden": "32", "noise": "plain", **figures}
    ratios = {"h": ("1.10", "3.00"), "state": ("1.05", "2.50"), "h per gate": ("1.40", "2.20")}
    noisy = [
        plain | {"noise": name, "ours/plain": one, "loop/ours": other}
        for name, (one, other) in ratios.items()
    ]
    (row,) = by_size([plain | {"ours/plain": "1.00", "loop/ours": "2.9"}, *noisy])
    assert row[5:9] == ["1.05–1.10", "2.50–3.00", "1.40", "2.20"]
