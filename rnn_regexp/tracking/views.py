"""The study's saved views on MLflow's page: factors and metrics as columns, charts in order.

MLflow keeps the views of its *Views* menu as tags of the experiment; these are two of them.
"""

import base64
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rnn_regexp.tracking.entries import Entry

TAG = "mlflow.sharedViewState."
LONGEST = 5000  # characters of an experiment's tag
SECTIONS = ("valid", "test", "train", "train_eval")  # in this order, then all others
COLUMNS = ("valid", "test")  # metrics of these become columns
RUNS, VARIANTS = "runs", "variants"
NAME, NAME_WIDTH, WIDTH = "attributes.`Run Name`", 220, 90  # pixels, WIDTH at least
BY_VARIANT = {
    "aggregateFunction": "average",
    "groupByKeys": [{"mode": "tag", "groupByData": "variant"}],
}


def view_key(study: str, view: str) -> str:
    """The view's name in an address: ``#/experiments/1/runs?viewStateShareKey=<key>``."""
    return f"{re.sub(r'[^A-Za-z0-9_.-]', '-', study)}-{view}"


def views(study: str, entry: Entry) -> dict[str, str]:
    """Tag -> value: every run of the study, and the mean of each variant over its seeds.

    A finished run's ``entry`` tells which factors and metrics there are.
    """
    state = _state(study, entry)
    means = {**state, "groupBy": BY_VARIANT}
    found = {
        TAG + view_key(study, RUNS): _saved(f"{study}: runs", state, entry.ended),
        TAG + view_key(study, VARIANTS): _saved(f"{study}: mean over seeds", means, entry.ended),
    }
    return {tag: text for tag, text in found.items() if len(text) <= LONGEST}


def saved_views(tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Title and address query of each of an experiment's views; curves as charts."""
    for tag in sorted(tag for tag in tags if tag.startswith(TAG)):
        key = tag.removeprefix(TAG)
        charts = "compareRunsMode=CHART&" if key.endswith(f"-{VARIANTS}") else ""
        yield json.loads(tags[tag])["name"], f"{charts}viewStateShareKey={key}"


def _saved(name: str, state: dict[str, Any], moment: int) -> str:
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode(), 9)).decode()
    view = {"name": name, "createdAt": moment, "updatedAt": moment, "state": f"deflate;{packed}"}
    return json.dumps(view)


def _state(study: str, entry: Entry) -> dict[str, Any]:
    series = Counter(point.key for point in entry.points)
    metrics = sorted(series, key=_place)
    columns = _columns(entry.columns, metrics)
    return {
        "searchFilter": f"tags.study = '{study}' and tags.kind = 'run'",
        "orderByKey": "tags.`mlflow.runName`",
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": columns,
        "columnOrder": [NAME, *columns],
        "columnWidths": {NAME: NAME_WIDTH} | {column: _width(column) for column in columns},
        "runsHiddenMode": "SHOW_ALL",
        "hideEmptyCharts": True,
        "isAccordionReordered": True,
        "compareRunSections": [_section(name) for name in dict.fromkeys(map(_prefix, metrics))],
        "compareRunCharts": [_chart(key, series[key] > 1) for key in metrics],
    }


def _columns(params: Sequence[str], metrics: Sequence[str]) -> list[str]:
    shown = [key for key in metrics if key.partition("/")[0] in COLUMNS]
    return [f"metrics.`{key}`" for key in shown] + [f"params.`{key}`" for key in params]


def _width(column: str) -> int:
    """Pixels that hold a column's title."""
    return max(WIDTH, 7 * len(column.split("`")[1]) + 24)


def _place(metric: str) -> tuple[int, str]:
    prefix = _prefix(metric)
    return SECTIONS.index(prefix) if prefix in SECTIONS else len(SECTIONS), metric


def _prefix(metric: str) -> str:
    return metric.rpartition("/")[0]


def _section(name: str) -> dict[str, Any]:
    flags = {"display": True, "isReordered": True, "deleted": False, "isGenerated": True}
    return {"uuid": f"section-{name}", "name": name, **flags}


def _chart(metric: str, is_series: bool) -> dict[str, Any]:
    return {
        "uuid": f"chart-{metric}",
        "type": "LINE" if is_series else "BAR",
        "metricKey": metric,
        "metricSectionId": f"section-{_prefix(metric)}",
        "deleted": False,
        "isGenerated": True,
    }
