"""What a study says before it trains."""

import pytest

from rnn_regexp.ablation.estimate import Estimate
from rnn_regexp.ablation.study import Design, Tuning
from rnn_regexp.commands import outline as outlining
from rnn_regexp.commands.outline import cost, notes, outline, variant_list
from tests.ablation.planning import planned

RATE = {"key": "regularizers.dropout.rate", "levels": [0, 0.5], "baseline": 0}
CLIP = {"key": "regularizers.clip.threshold", "levels": ["none", 1], "baseline": "none"}
LR = {"key": "optimizer.lr", "levels": [1e-3, 1e-2]}
BY = {"key": "regularizers.clip.by", "levels": ["norm", "value"]}
NUISANCE = {"optimizer.beta1": [0.8, 0.9, 0.95]}


def test_runs_and_cohorts() -> None:
    assert list(outline(planned(factors={"rate": RATE, "clip": CLIP}, seeds=4))) == [
        "s: 2 factors, 3 variants x 4 seeds = 12 runs in 2 cohorts"
    ]


def test_stages_are_counted_before_they_are_known() -> None:
    factors = {"rate": RATE, "clip": CLIP, "lr": LR}
    plan = planned(
        factors=factors, design=Design.path, nuisance=NUISANCE, tuning=Tuning(seeds=2), seeds=2
    )
    assert list(outline(plan)) == [
        "s: 3 factors, 4 variants x 2 seeds = 8 runs in 1 cohorts",
        "a path of 3 stages, of which this is the first: at most 7 variants x 2 seeds = 14 runs",
        "before that, optimizer.beta1 is tuned for each variant:"
        " 3 trials x 2 seeds, 42 runs in all",
    ]
    plan = planned(factors=factors, seeds={"start": 3, "max": 9})
    assert list(outline(plan))[1:] == [
        "seeds are added to variants that are undecided: looks at 3, 6, 9 seeds"
    ]


def test_a_fraction_prints_its_resolution_and_aliases() -> None:
    factors = {"rate": RATE, "clip": CLIP, "lr": LR}
    plan = planned(factors=factors, design=Design.fractional, resolution=3, seeds=1)
    assert list(outline(plan))[1:] == [
        "fraction 2^(3-1), resolution III; aliases of order 2:",
        "  rate = -clip:lr",
        "  clip = -rate:lr",
        "  lr = -rate:clip",
    ]
    plan = planned(factors=factors, design=Design.fractional, seeds=1)
    assert list(outline(plan))[1:] == [
        "the fraction of this resolution is the whole: all combinations"
    ]
    (_, line) = outline(planned(factors=factors, design=Design.plackett_burman, seeds=1))
    assert line.startswith("Plackett-Burman, resolution III: each main effect is mixed")


def test_seeds_that_are_too_few_are_noted() -> None:
    def said(seeds: object, design: Design = Design.one_at_a_time) -> list[str]:
        return list(notes(planned(factors={"r": RATE, "c": CLIP}, seeds=seeds, design=design)))

    assert said(1) == ["note: one seed: estimates come without intervals and without tests"]
    assert said(6) == [
        "note: with 6 seeds a verdict rests on differences being normally distributed;"
        " a test without that needs 7 or more to pass the correction over 2"
    ]
    assert said(7) == []
    assert said({"start": 2, "max": 7}) == []


def test_variants_and_those_that_are_one_experiment() -> None:
    plan = planned(factors={"clip": CLIP, "by": BY}, design=Design.factorial, seeds=2)
    assert list(variant_list(plan)) == [
        "variants (baseline: clip=none, by=norm):",
        "  baseline",
        "  by=value (the same experiment as baseline)",
        "  clip=1",
        "  clip=1 by=value",
    ]


def test_a_long_list_of_variants_is_cut() -> None:
    levels = [i / 100 for i in range(70)]
    factor = RATE | {"levels": levels}
    lines = list(variant_list(planned(factors={"rate": factor}, seeds=1)))
    assert lines[-1] == "  and 10 more"
    assert len(lines) == 62


@pytest.fixture
def known_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Estimate(run_seconds=60.0, record_bytes=12_000.0, step=0.05, steps=4, probes=1)
    monkeypatch.setattr(outlining, "estimate", lambda plan: found)


@pytest.mark.usefixtures("known_cost")
def test_time_and_disk() -> None:
    plan = planned(factors={"rate": RATE}, seeds=10)
    assert list(cost(plan, at_once=2)) == [
        "time: about 10 min on 2 at once; from 4 timed steps of 1 cohorts, 50 ms a step",
        "disk: about 240 kB; a run's record is 12 kB",
    ]


@pytest.mark.usefixtures("known_cost")
def test_time_and_disk_of_what_may_follow() -> None:
    plan = planned(factors={"rate": RATE}, nuisance=NUISANCE, seeds={"start": 5, "max": 50})
    time, disk = cost(plan, at_once=1)
    assert time.startswith("time: about 16 min to 106 min on 1 at once")  # 10 + 6 and 100 + 6 runs
    assert disk.startswith("disk: about 192 kB to 1.3 MB")
