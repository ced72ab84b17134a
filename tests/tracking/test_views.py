import base64
import dataclasses
import json
import zlib

import pytest

from rnn_regexp.tracking.entries import Point, entry
from rnn_regexp.tracking.views import saved_views, views
from tests.tracking.synthetic import BASELINE, result

ENTRY = entry(result(BASELINE, 0, 0), "four_knobs", "baseline", BASELINE)
TAG = "mlflow.sharedViewState.four_knobs-"


def state(text: str) -> dict[str, object]:
    packed = json.loads(text)["state"].removeprefix("deflate;")
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def test_the_page_shows_metrics_and_factors():
    shown = state(views("four_knobs", ENTRY)[f"{TAG}runs"])
    metrics = ("valid/accuracy", "valid/loss", "test/accuracy", "test/loss")
    expected = [f"metrics.`{key}`" for key in metrics] + [f"params.`{key}`" for key in BASELINE]
    assert shown["selectedColumns"] == expected
    assert [own["name"] for own in shown["compareRunSections"]] == [
        "valid",
        "test",
        "train",
        "best",
        "best/test",
        "best/valid",
    ]
    kinds = {own["metricKey"]: own["type"] for own in shown["compareRunCharts"]}
    assert (kinds["valid/loss"], kinds["test/loss"]) == ("LINE", "BAR")


def test_the_means_are_grouped_by_variant():
    found = views("four_knobs", ENTRY)
    grouped = state(found[f"{TAG}variants"])["groupBy"]
    assert grouped["groupByKeys"] == [{"mode": "tag", "groupByData": "variant"}]
    assert list(saved_views({**found, "mlflow.note.content": ""})) == [
        ("four_knobs: runs", "viewStateShareKey=four_knobs-runs"),
        (
            "four_knobs: mean over seeds",
            "compareRunsMode=CHART&viewStateShareKey=four_knobs-variants",
        ),
    ]


@pytest.mark.parametrize(("metrics", "saved"), [(40, 2), (4000, 0)])
def test_a_view_too_long_for_a_tag_is_not_saved(metrics: int, saved: int):
    points = [Point(f"train/{hash(str(i)):x}/{i}", 0.0, 0, 0) for i in range(metrics)]
    found = views("four_knobs", dataclasses.replace(ENTRY, points=points))
    assert len(found) == saved
    assert all(len(text) <= 5000 for text in found.values())
