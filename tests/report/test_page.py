"""The page as a browser shows it: on a phone, on a desk and on paper."""

import base64
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rnn_regexp.ablation.merging import pooled
from rnn_regexp.ablation.runs_table import read_study
from rnn_regexp.report.write import write_reports

pytestmark = [pytest.mark.slow, pytest.mark.browser]

PHONE, DESK, PAPER = 400, 1200, 673  # CSS pixels; paper: A4 without its margins
OVERFLOWING = """
return Array.from(document.querySelectorAll('body *')).filter(e =>
  !e.closest('.wide') && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).map(e => e.tagName + '.' + e.className);
"""


@pytest.fixture(scope="module")
def page(written_study: Path, factorial: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Both studies in one report, beside a label that is a script."""
    studies = pooled([read_study(folder) for folder in (written_study, factorial)])
    written = write_reports(studies, tmp_path_factory.mktemp("page"))
    return written.html.as_uri()


@pytest.fixture(scope="module")
def driver(page: str) -> Iterator[Any]:
    pytest.importorskip("selenium", reason="the browser is driven by Selenium")
    from scripts.screenshot_dashboard import chromium

    if missing := [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]:
        pytest.skip(f"{' and '.join(missing)} not found")
    driver = chromium()
    driver.get(page)
    yield driver
    driver.quit()


def show(driver: Any, width: int, media: str = "screen") -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media})


@pytest.mark.parametrize(
    ("width", "media"), [(PHONE, "screen"), (DESK, "screen"), (PAPER, "print")]
)
def test_nothing_stands_beyond_the_edge(driver: Any, width: int, media: str):
    show(driver, width, media)
    assert driver.execute_script("return document.documentElement.clientWidth") == width
    assert driver.execute_script("return document.documentElement.scrollWidth") == width
    assert driver.execute_script(OVERFLOWING) == []


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_every_figure_is_drawn(driver: Any, width: int):
    show(driver, width)
    figures = driver.find_elements("css selector", "figure")
    assert len(figures) == 1 + 4 + 4 + 1 + 1 + 3 + 3 + 3 + 1 + 3 * 4
    for figure in figures:
        drawing = figure.find_element("css selector", ".drawing svg")
        assert 250 < drawing.rect["width"] <= width
        assert drawing.rect["height"] > 100
        assert figure.find_elements("css selector", "svg text")
    for figure in figures[::7]:
        picture = Image.open(io.BytesIO(figure.screenshot_as_png)).convert("L")
        dark = sum(picture.histogram()[:128])
        assert dark / (picture.width * picture.height) > 0.002, figure.text


def test_a_label_that_is_a_script_stays_text(driver: Any, made_up: Any):
    show(driver, DESK)
    assert made_up.NASTY in driver.find_element("css selector", "body").text
    assert driver.execute_script("return document.scripts.length") == 0
    logged = [line["message"] for line in driver.get_log("browser")]
    assert logged == []


def test_text_is_large_enough_to_read_on_a_phone(driver: Any):
    show(driver, PHONE)
    sizes = driver.execute_script(
        "return Array.from(document.querySelectorAll('figure svg text'), e =>"
        " e.getBoundingClientRect().height).filter(h => h > 0)"
    )
    assert len(sizes) > 100
    assert sorted(sizes)[len(sizes) // 20] >= 8  # all but the smallest twentieth


def test_paper_shows_what_the_screen_folds_away(driver: Any):
    show(driver, PAPER, "print")
    assert "model.hidden" in driver.execute_script("return document.body.innerText")
    printed = driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    content = base64.b64decode(printed["data"])
    assert content.startswith(b"%PDF")
    assert 5 < content.count(b"/Type /Page\n") < 40


def test_folds_open_and_have_the_numbers(driver: Any):
    show(driver, DESK)
    fold = driver.find_element("css selector", "details.numbers")
    table = fold.find_element("css selector", "table")
    assert not table.is_displayed()
    fold.find_element("css selector", "summary").click()
    assert table.is_displayed()
    assert "0.75" in table.text
