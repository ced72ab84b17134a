"""Published series: known facts, borders in time, and a published naive baseline."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnn_regexp.data import (
    BeijingPm25,
    Co2,
    Ett,
    ExchangeRates,
    MelbourneTemperatures,
    SeattleWeather,
    SeriesCsv,
    Sp500,
    Sunspots,
    installed,
)
from rnn_regexp.data.ett import Station
from rnn_regexp.data.sequences import DataError, SequenceData
from rnn_regexp.data.sp500 import Measure


def column(root: str, file: str, place: int) -> np.ndarray:
    """A column of a published table as numbers, read with numpy alone."""
    path = Path(root) / f"{file}.gz"
    with gzip.open(path, "rt") as stream:
        return np.genfromtxt(stream, delimiter=",", skip_header=1, usecols=place)


def asked(data: SequenceData, split: str, output: int = 0) -> np.ndarray:
    """What a split asks for, in the series' own units, for each window's first step."""
    own = getattr(data, split).targets[:, output].numpy()
    return own * data.constants["deviation"][output].item() + data.constants["mean"][output].item()


@pytest.mark.parametrize(
    ("station", "squared", "absolute"),
    [(Station.ETTh1, 1.295, 0.713), (Station.ETTh2, 0.432, 0.422)],
)
def test_ett_repeats_the_published_naive_errors(
    data_root: str, station: Station, squared: float, absolute: float
):
    """ "Repeat" at horizon 96 in Zeng et al. 2023, Are transformers effective ..., table 2."""
    data = Ett(root=data_root, station=station, horizon=96).load()
    last = data.test.inputs[:, -1:]  # (N, 1, 7)
    errors = data.test.targets.unflatten(1, (96, 7)) - last
    assert errors.square().mean().item() == pytest.approx(squared, abs=1e-3)
    assert errors.abs().mean().item() == pytest.approx(absolute, abs=1e-3)
    assert len(data.test) == 2785


def test_ett_borders_are_months_of_thirty_days(data_root: str):
    oil = column(data_root, "ett/ETTh1.csv", 7)
    assert len(oil) == 17420
    data = Ett(root=data_root, target="OT", horizon=1, window=10).load()
    found = [asked(data, split) for split in ("train", "valid", "test")]
    expected = [oil[10:8640], oil[8640:11520], oil[11520:14400]]
    for own, known in zip(found, expected):
        np.testing.assert_allclose(own, known, atol=1e-4)


def test_beijing_facts(data_root: str):
    dust = column(data_root, "weather/beijing_pm25.csv", 5)
    year = column(data_root, "weather/beijing_pm25.csv", 1)
    assert len(dust) == 43824
    assert np.isnan(dust).sum() == 2067
    data = BeijingPm25(root=data_root, horizon=1).load()
    for split, years in (("train", {2010, 2011, 2012}), ("valid", {2013}), ("test", {2014})):
        known = dust[np.isin(year, list(years)) & np.isfinite(dust)]
        found = asked(data, split)
        skipped = 24 if split == "train" else 0  # windows that begin in the first 24 unknown hours
        np.testing.assert_allclose(found, known[len(known) - len(found) :], atol=1e-2)
        assert 0 <= len(known) - len(found) <= 48 + skipped
    assert data.train.inputs.shape[2] == 11
    assert data.train.targets.shape[1] == 1


def test_beijing_directions_of_the_wind_are_four_columns(data_root: str):
    data = BeijingPm25(root=data_root).load()
    winds = data.test.inputs[..., 7:]  # (N, T, 4), scaled
    assert all(len(winds[..., place].unique()) == 2 for place in range(4))
    blows = winds > 0
    assert (blows.sum(dim=-1) == 1).all()


def test_melbourne_facts(data_root: str):
    coldest = column(data_root, "weather/daily-min-temperatures.csv", 1)
    assert len(coldest) == 3650
    data = MelbourneTemperatures(root=data_root, horizon=1).load()
    np.testing.assert_allclose(asked(data, "test"), coldest[9 * 365 :], atol=1e-4)
    np.testing.assert_allclose(asked(data, "valid"), coldest[8 * 365 : 9 * 365], atol=1e-4)


def test_exchange_rate_facts(data_root: str):
    rates = np.loadtxt(Path(data_root) / "finance/exchange_rate.txt.gz", delimiter=",")
    assert rates.shape == (7588, 8)
    data = ExchangeRates(root=data_root, horizon=1, relative=False).load()
    assert [len(own) for own in (data.train, data.valid, data.test)] == [4456, 1518, 1518]
    for place in (0, 7):
        np.testing.assert_allclose(asked(data, "test", place), rates[6070:, place], atol=1e-4)


def in_package(settings: type[Any], **chosen: Any) -> SequenceData:
    if installed.find(settings.package) is None:
        pytest.skip(f"{settings.__name__}: {settings.package} of the extra [data] is missing")
    data: SequenceData = settings(**chosen).load()
    return data


def test_sunspot_facts():
    data = in_package(Sunspots, horizon=1)
    found = np.concatenate([asked(data, split) for split in ("train", "valid", "test")])
    assert len(found) == 309 - 33
    known = {1740: 73.0, 1778: 154.4, 1957: 190.2, 2008: 2.9}
    assert {year: round(float(found[year - 1733]), 1) for year in known} == known


def test_co2_facts():
    data = in_package(Co2, horizon=1, relative=False)
    found = np.concatenate([asked(data, split) for split in ("train", "valid", "test")])
    assert data.provenance["windows_left_out"] == str(2284 - 104 - len(found))
    assert found[-1] == pytest.approx(371.5, abs=1e-2)
    assert asked(data, "test").min() > asked(data, "train").max()


def test_sp500_facts():
    swing, gain = (in_package(Sp500, measure=own, horizon=1) for own in Measure)
    assert len(swing.train) + len(swing.valid) + len(swing.test) == 5031 - 60
    assert len(gain.train) + len(gain.valid) + len(gain.test) == 5030 - 60
    gains = np.concatenate([asked(gain, split) for split in ("train", "valid", "test")])
    assert gains.max() == pytest.approx(100 * np.log(1.1158), abs=0.01)  # 13 October 2008
    assert np.concatenate([asked(swing, split) for split in ("valid", "test")]).min() > 0


def test_seattle_facts():
    data = in_package(SeattleWeather, horizon=1)
    assert [len(own) for own in (data.train, data.valid, data.test)] == [731 - 30, 365, 365]
    assert data.train.inputs.shape[2] == 4
    assert asked(data, "test", 1)[-1] == pytest.approx(5.6, abs=1e-4)  # 31 December 2015


TABLE = "time,load,note,price\n" + "".join(
    f"2020-01-{day:02},{day % 7 + day / 10},x,{100 - day}\n" for day in range(1, 32)
)


def own(tmp_path: Path, text: str, **settings: Any) -> SequenceData:
    (tmp_path / "load.csv").write_text(text)
    chosen = {"window": 4, "horizon": 2, **settings}
    return SeriesCsv(path=str(tmp_path / "load.csv"), **chosen).load()


def test_your_own_file(tmp_path: Path):
    data = own(tmp_path, TABLE)
    assert data.features == 2  # load and price: the others hold words
    assert [len(part) for part in (data.train, data.valid, data.test)] == [16, 4, 4]
    prices = [100 - day for day in range(27, 31)]
    assert asked(data, "test", 1).round(3).tolist() == prices


def test_chosen_columns(tmp_path: Path):
    data = own(tmp_path, TABLE, columns=["price"], test_fraction=0.4)
    assert data.features == 1
    assert len(data.test) == 12 - 1


@pytest.mark.parametrize(
    ("text", "settings", "line"),
    [
        (
            TABLE.replace("93", "?"),
            {},
            "dataset.gaps: row 8 of load.csv, column 'price': no number "
            "(dataset.gaps=fill carries the last one on, "
            "dataset.gaps=drop leaves such windows out)",
        ),
        (
            TABLE.replace("93", "9o"),
            {"columns": ["price"]},
            "row 8 of load.csv, column 'price': '9o' is no number",
        ),
        (TABLE, {"columns": ["pirce"]}, "dataset.columns: no column 'pirce' in load.csv"),
        ("a,b\nx,y\n", {}, "dataset.columns: load.csv has no column of numbers"),
        (
            TABLE,
            {"window": 20},
            "dataset.window=20 and dataset.horizon=2 need 22 steps in train, load.csv has 21 there",
        ),
        (
            TABLE,
            {"horizon": 6},
            "dataset.window=4 and dataset.horizon=6 need 6 steps in valid, load.csv has 5 there",
        ),
        (TABLE + "2020-02-01,3\n", {}, "row 33 of load.csv has 2 fields, the header has 4"),
        (TABLE, {"valid_fraction": 0.6, "test_fraction": 0.5}, "must be below 1, got 0.6 + 0.5"),
    ],
)
def test_what_is_wrong_with_your_own_file(
    tmp_path: Path, text: str, settings: dict[str, Any], line: str
):
    with pytest.raises(DataError) as error:
        own(tmp_path, text, **settings)
    assert line in str(error.value)


def test_no_path():
    with pytest.raises(DataError, match=r"dataset\.path is not set: name a CSV or TSV file"):
        SeriesCsv().load()
