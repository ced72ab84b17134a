"""Series in time order: gaps, borders, scales and windows, step by step."""

from typing import Any

import numpy as np
import pytest

from rnn_regexp.data.forecasting import Forecasting, fractions
from rnn_regexp.data.sequences import DataError, SequenceData
from rnn_regexp.data.time_series import Gaps, TimeSeries, filled, naive_error, numbers

NAN = np.nan
BORDERS = {"train": range(20), "valid": range(20, 28), "test": range(28, 40)}


def series(values: Any, *columns: str) -> TimeSeries:
    table = np.array(values, dtype=float).reshape(-1, len(columns) or 1)
    rows = range(2, len(table) + 2)
    return TimeSeries("own.csv", columns or ("a",), table, rows)


def counted(steps: int = 40) -> TimeSeries:
    """Values that tell their step: 0, 1, 2, ... and 0, -10, -20, ..."""
    steps_ = np.arange(steps)
    return series(np.stack([steps_, -10 * steps_], axis=1), "a", "b")


def load(own: TimeSeries, borders: Any = BORDERS, **settings: Any) -> SequenceData:
    return Forecasting(**{"window": 5, "horizon": 2, **settings}).windowed(own, borders, {})


def steps(data: SequenceData, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The steps of ``counted`` that a split's inputs and targets hold, (N, 5) and (N, 2)."""
    own = getattr(data, split)
    mean, deviation = np.arange(20).mean(), np.arange(20).std()
    inputs = own.inputs[..., 0].numpy() * deviation + mean
    targets = own.targets[:, ::2].numpy() * deviation + mean
    return inputs.round(4), targets.round(4)


def test_windows_follow_each_other_and_targets_lie_in_their_split():
    data = load(counted())
    for split, part in BORDERS.items():
        inputs, targets = steps(data, split)
        firsts = range(max(5, part.start), part.stop - 1)
        assert inputs.tolist() == [list(range(first - 5, first)) for first in firsts]
        assert targets.tolist() == [[first, first + 1] for first in firsts]
    assert data.train.lengths.tolist() == [5] * 14
    assert data.task == "forecast"
    assert data.classes == ()


def test_outputs_are_horizon_by_column():
    data = load(counted())
    # b falls as a rises, by which both have the same scale but for the sign.
    found = data.test.targets.view(-1, 2, 2)
    np.testing.assert_allclose(found[..., 0], -found[..., 1], rtol=1e-6)
    assert found[0, 1, 0] > found[0, 0, 0]


def test_one_column_is_asked_for_and_all_are_known():
    data = load(counted(), target="b")
    assert data.train.inputs.shape == (14, 5, 2)
    assert data.train.targets.shape == (14, 2)
    assert (data.train.targets[:, 1] < data.train.targets[:, 0]).all()


def test_scales_are_those_of_train():
    values = np.r_[np.arange(20) * 3.0 + 7, np.full(20, 1e6)]
    data = load(series(values))
    train = values[:20]
    expected = (1e6 - train.mean()) / train.std()
    assert data.test.targets[0, 0].item() == pytest.approx(expected, rel=1e-6)
    assert data.constants["mean"].item() == pytest.approx(train.mean())
    assert data.constants["deviation"].item() == pytest.approx(train.std())


def test_naive_errors_are_those_of_train_by_season():
    values = np.random.default_rng(0).normal(size=40)
    values[20:] *= 100
    for season in (1, 4):
        data = load(series(values), season=season)
        train = values[:20] / values[:20].std()
        expected = np.mean([abs(train[t] - train[t - season]) for t in range(season, 20)])
        assert data.constants["naive"].tolist() == pytest.approx([expected] * 2)


def test_naive_errors_stand_by_the_outputs():
    values = np.stack([np.arange(40), np.arange(40) % 2 * 5.0], axis=1)
    data = load(series(values, "slow", "fast"))
    slow, fast = 1 / np.arange(20).std(), 5 / 2.5
    assert data.constants["naive"].tolist() == pytest.approx([slow, fast, slow, fast])


def test_stride_thins_train_alone():
    data = load(counted(), stride=3)
    assert steps(data, "train")[1][:, 0].tolist() == [5, 8, 11, 14, 17]
    assert len(data.test) == 11


def test_relative_to_the_last_known_value():
    data = load(counted(), relative=True)
    unit = 1 / np.arange(20).std()
    inputs = data.test.inputs[3, :, 0].tolist()
    assert inputs == pytest.approx([-4 * unit, -3 * unit, -2 * unit, -unit, 0], abs=1e-5)
    expected = [unit, -unit, 2 * unit, -2 * unit]
    assert data.test.targets[3].tolist() == pytest.approx(expected, abs=1e-5)


def test_relative_targets_of_one_column_are_relative_to_its_own_value():
    own = counted()._replace(values=counted().values * [1, 5] + [0, 7])
    data = load(own, relative=True, target="b")
    unit = 1 / np.arange(20).std()
    assert data.test.targets[3].tolist() == pytest.approx([-unit, -2 * unit], abs=1e-5)


def with_gaps() -> TimeSeries:
    own = counted()
    own.values[10, 0] = own.values[30:32, 0] = NAN
    return own


def test_a_gap_is_refused_with_its_row_and_column():
    with pytest.raises(DataError) as error:
        load(with_gaps())
    assert str(error.value) == (
        "dataset.gaps: row 12 of own.csv, column 'a': no number and 2 more "
        "(dataset.gaps=fill carries the last one on, dataset.gaps=drop leaves such windows out)"
    )


def test_gaps_are_filled_where_known_and_never_asked_for():
    data = load(with_gaps(), gaps=Gaps.fill)
    firsts = [at for at in range(5, 19) if not {at, at + 1} & {10}]
    mean, deviation = np.nanmean(with_gaps().values[:20], 0), np.nanstd(with_gaps().values[:20], 0)
    found = data.train.inputs.numpy() * deviation + mean
    known = np.arange(40.0)
    known[10] = 9
    assert found[..., 0].round(3).tolist() == [known[at - 5 : at].tolist() for at in firsts]
    assert data.test.targets.isfinite().all()
    assert data.provenance["windows_left_out"] == "5"  # 9, 10 in train; 29, 30, 31 in test


def test_windows_with_gaps_are_dropped():
    data = load(with_gaps(), gaps=Gaps.drop)
    firsts = [at for at in range(5, 19) if 10 not in range(at - 5, at + 2)]
    assert len(data.train) == len(firsts)
    assert data.train.inputs.isfinite().all()
    assert data.provenance["windows_left_out"] == str(14 - len(firsts) + 8)


def test_a_gap_at_the_start_stays():
    values = np.array([[NAN, 1], [NAN, NAN], [3, NAN], [NAN, 4]])
    np.testing.assert_array_equal(filled(values), [[NAN, 1], [NAN, 1], [3, 1], [3, 4]])


@pytest.mark.parametrize(
    ("borders", "settings", "line"),
    [
        (
            {**BORDERS, "valid": range(20, 21), "test": range(21, 40)},
            {},
            "dataset.window=5 and dataset.horizon=2 need 2 steps in valid, own.csv has 1 there",
        ),
        (
            BORDERS,
            {"window": 19},
            "dataset.window=19 and dataset.horizon=2 need 21 steps in train, own.csv has 20 there",
        ),
        (BORDERS, {"season": 20}, "dataset.season must be below the 20 steps of train, got 20"),
        (
            BORDERS,
            {"target": "bb"},
            "dataset.target: no column 'bb' in own.csv (columns: a, b; did you mean b?)",
        ),
    ],
)
def test_too_short(borders: Any, settings: Any, line: str):
    with pytest.raises(DataError) as error:
        load(counted(), borders, **settings)
    assert str(error.value) == line


def test_a_column_without_numbers_in_train():
    own = counted()
    own.values[:19, 1] = NAN
    with pytest.raises(DataError, match=r"column 'b' of own\.csv has no two numbers in train"):
        load(own, gaps=Gaps.fill)


def test_a_column_that_never_changes():
    own = counted()
    own.values[:, 1] = 3
    with pytest.raises(DataError, match=r"column 'b' of own\.csv does not change over dataset\.s"):
        load(own)
    assert load(own, target="a").train.inputs[..., 1].abs().max() == 0


def test_every_window_has_a_gap():
    own = counted()
    own.values[20:28:2, 0] = NAN
    with pytest.raises(DataError) as error:
        load(own, gaps=Gaps.drop)
    assert str(error.value) == "dataset.gaps: each window of valid in own.csv has a gap"


def test_naive_error_passes_over_gaps():
    values = np.array([[1.0], [4.0], [NAN], [5.0], [7.0]])
    assert naive_error(values, 1).tolist() == [2.5]
    assert naive_error(values, 3).tolist() == [3.5]


def test_fractions_follow_in_time():
    assert fractions(100, 0.15, 0.2) == {
        "train": range(65),
        "valid": range(65, 80),
        "test": range(80, 100),
    }


def test_reads_numbers_and_gaps():
    rows = [(1, ["day", "x", "y"]), (2, ["mon", "1", " NA "]), (5, ["tue", "?", "-2e1"])]
    found = numbers("own.csv", rows, ["y", "x"])
    np.testing.assert_array_equal(found.values, [[NAN, 1], [-20, NAN]])
    assert (found.columns, list(found.rows)) == (("y", "x"), [2, 5])


def test_a_word_that_is_no_number():
    with pytest.raises(DataError) as error:
        numbers("own.csv", [(1, ["x"]), (7, ["12,5"])], ["x"])
    assert str(error.value) == "row 7 of own.csv, column 'x': '12,5' is no number"
