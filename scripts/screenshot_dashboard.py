"""Take the picture of the dashboard that the documentation shows: runs of a study, compared.

Usage: ``python scripts/screenshot_dashboard.py [--store FILE] [--study NAME] [--out PNG]``.
Needs Chromium and Selenium. Selects runs on the study's page and presses Compare, as a user does.
"""

import argparse
import shutil
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from rnn_regexp.dashboard import addresses, free_port, serving

WIDTH, HEIGHT, TALL, SECONDS = 1400, 1000, 1910, 60
ASSISTANT = "localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')"
TRAINING = "localStorage.setItem('mlflow.workflowType_v1', '\"machine_learning\"')"


def chromium() -> webdriver.Chrome:
    """A browser without a window."""
    found = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    if missing := [name for name, path in found.items() if path is None]:
        raise SystemExit(f"error: {' and '.join(missing)} not found")
    options = webdriver.ChromeOptions()
    options.binary_location = found["chromium"] or ""
    for word in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "hide-scrollbars"):
        options.add_argument(f"--{word}")
    options.add_argument(f"--window-size={WIDTH},{HEIGHT}")
    service = webdriver.ChromeService(executable_path=found["chromedriver"])
    return webdriver.Chrome(options, service)


def open_page(driver: webdriver.Chrome, url: str) -> None:
    """Open an address of the dashboard as somebody sees it who has closed the assistant."""
    driver.get(url.partition("#")[0])
    driver.execute_script(f"{ASSISTANT}; {TRAINING}")
    driver.get("about:blank")
    driver.get(url)


def run_names(driver: webdriver.Chrome) -> list[str]:
    """The names of the runs listed, once there are any."""
    cells = ".ag-pinned-left-cols-container [role=row] a"
    wait = WebDriverWait(driver, SECONDS)
    return [link.text for link in wait.until(lambda d: d.find_elements(By.CSS_SELECTOR, cells))]


def compare(driver: webdriver.Chrome, names: list[str]) -> None:
    """Tick the runs of these names, press Compare and wait for the page."""
    for name in names:
        row = f"//*[@role='row'][.//a[normalize-space()='{name}']]"
        driver.find_element(By.XPATH, f"{row}//input[@type='checkbox']").click()
    driver.find_element(By.XPATH, "//button[normalize-space()='Compare']").click()
    WebDriverWait(driver, SECONDS).until(lambda d: section(d, "Metrics"))


def section(driver: webdriver.Chrome, title: str) -> WebElement:
    """The heading of a section of the page of compared runs, which folds it."""
    return driver.find_element(By.XPATH, f"//*[@role='button'][normalize-space()='{title}']")


def spread(names: list[str], count: int = 5) -> list[str]:
    """The first seed of the baseline and of other variants, evenly chosen."""
    seed = names[0].rpartition(" seed ")[2]
    same = [name for name in names if name.endswith(f" seed {seed}")]
    return list(dict.fromkeys(same[round(k * (len(same) - 1) / (count - 1))] for k in range(count)))


def page_of(study: str, lines: list[str]) -> str:
    """The address of a study's runs among those that the dashboard prints."""
    for line in lines:
        if line.startswith(f"  {study}: runs "):
            return line.rpartition(" ")[2]
    raise SystemExit(f"error: no study {study} among the latest in the store")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default="outputs/mlflow.db")
    parser.add_argument("--study", default="four_knobs")
    parser.add_argument("--out", type=Path, default="docs/images/dashboard.png")
    options = parser.parse_args()
    with serving(options.store.absolute(), "127.0.0.1", free_port("127.0.0.1", 5000)) as (_, url):
        driver = chromium()
        try:
            open_page(driver, page_of(options.study, addresses(url)))
            compare(driver, spread(run_names(driver)))
            driver.set_window_size(WIDTH, TALL)
            driver.find_element(By.CSS_SELECTOR, "[role=switch]").click()  # differing parameters
            time.sleep(3)  # the plot follows the window
            driver.save_screenshot(str(options.out))
        finally:
            driver.quit()


if __name__ == "__main__":
    main()
