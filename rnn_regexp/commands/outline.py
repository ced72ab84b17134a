"""What a study is going to train, and what it will cost, before it trains anything."""

from collections.abc import Iterator

from rnn_regexp.ablation import fractional, path
from rnn_regexp.ablation.design import Variant
from rnn_regexp.ablation.estimate import Estimate, estimate
from rnn_regexp.ablation.plan import Plan, distinct
from rnn_regexp.ablation.plan_files import aliases, fraction_of
from rnn_regexp.ablation.seeds import fewest_seeds
from rnn_regexp.ablation.study import Design
from rnn_regexp.ablation.tuning import tuning_seeds

MOST_LINES = 60  # variants that are listed one by one
_ONE_FACTOR = (  # designs in which every other variant is compared with the baseline
    Design.one_at_a_time,
    Design.leave_one_out,
    Design.add_one_in,
    Design.compare,
    Design.path,
)


def outline(plan: Plan) -> Iterator[str]:
    """What is going to be trained; ``plan`` is what is known before any result."""
    study, made = plan.study, plan.blueprint
    runs, looks = len(distinct(plan.runs)), made.seeds.looks
    what = (
        f"{study.name}: {len(made.axes)} factors, {len(made.variants)} variants"
        f" x {looks[0]} seeds = {runs} runs in {len(plan.cohorts)} cohorts"
    )
    yield what
    if made.seeds.sequential:
        steps = ", ".join(map(str, looks))
        yield f"seeds are added to variants that are undecided: looks at {steps} seeds"
    if study.design is Design.path:
        most = path.most_variants(len(made.axes))
        yield (
            f"a path of {len(made.axes)} stages, of which this is the first:"
            f" at most {most} variants x {looks[0]} seeds = {most * looks[0]} runs"
        )
    if made.trials:
        seeds = len(tuning_seeds(study))
        yield (
            f"before that, {', '.join(made.trials[0].labels)} is tuned for each variant:"
            f" {len(made.trials)} trials x {seeds} seeds, {tuning_runs(plan)} runs in all"
        )
    yield from _confounded(plan)


def tuning_runs(plan: Plan) -> int:
    """Runs that tune nuisance settings, of a path at most."""
    made = plan.blueprint
    on_path = plan.study.design is Design.path
    variants = path.most_variants(len(made.axes)) if on_path else len(made.variants)
    return variants * len(made.trials) * len(tuning_seeds(plan.study))


def _confounded(plan: Plan) -> Iterator[str]:
    """What a screening design cannot tell apart."""
    if plan.study.design is Design.plackett_burman:
        yield (
            "Plackett-Burman, resolution III: each main effect is mixed with parts of all"
            " interactions of other factors"
        )
    if plan.study.design is not Design.fractional:
        return
    found, names = fraction_of(plan), [axis.name for axis in plan.blueprint.axes]
    if not found.generators:
        yield "the fraction of this resolution is the whole: all combinations"
        return
    size = f"2^({found.factors}-{len(found.generators)})"
    yield f"fraction {size}, resolution {fractional.ROMAN[found.resolution]}; aliases of order 2:"
    seen: set[frozenset[str]] = set()
    for effect, others in aliases(found, names).items():
        group = frozenset([effect, *(other.lstrip("-") for other in others)])
        if group not in seen:
            seen.add(group)
            yield f"  {effect} = {' = '.join(others)}"
    if not seen:
        yield "  none"


def notes(plan: Plan) -> Iterator[str]:
    """What the number of seeds cannot show."""
    made, count = plan.blueprint, len(plan.blueprint.seeds.values)
    if count == 1:
        yield "note: one seed: estimates come without intervals and without tests"
        return
    pairs = len(made.variants) - 1
    levels = sum(len(axis.others) for axis in made.axes)
    contrasts = pairs if plan.study.design in _ONE_FACTOR else levels
    wanted = fewest_seeds(contrasts, plan.study.alpha)
    if count < wanted:
        yield (
            f"note: with {count} seeds a verdict rests on differences being normally distributed;"
            f" a test without that needs {wanted} or more to pass the correction over {contrasts}"
        )


def variant_list(plan: Plan) -> Iterator[str]:
    """The variants, and which of them are the same experiment."""
    first: dict[str, Variant] = {}
    lines = []
    for run in plan.runs:
        twin = first.setdefault(run.run_id, run.variant)
        if run.seed == plan.blueprint.seeds.values[0]:
            same = f" (the same experiment as {twin.name})" if twin != run.variant else ""
            lines.append(f"  {run.variant.name}{same}")
    levels = ", ".join(f"{name}={own}" for name, own in plan.variants[0].labels.items())
    yield f"variants (baseline: {levels}):"
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"  and {len(lines) - MOST_LINES} more"


def cost(plan: Plan, at_once: int) -> Iterator[str]:
    """Estimated time and disk, and what the estimate rests on."""
    found, made = estimate(plan), plan.blueprint
    least, most = len(distinct(plan.runs)), _most_runs(plan)
    more = tuning_runs(plan) if made.trials else 0
    wide = min(at_once, max(1, len(plan.cohorts)))
    yield (
        f"time: {_span(found, least + more, most + more, wide)} on {wide} at once; from"
        f" {found.steps} timed steps of {found.probes} cohorts, {1000 * found.step:.3g} ms a step"
    )
    low, high = (_bytes((runs + more) * found.record_bytes) for runs in (least, most))
    size = low if least == most else f"{low} to {high}"
    yield f"disk: about {size}; a run's record is {_bytes(found.record_bytes)}"


def _most_runs(plan: Plan) -> int:
    """Runs of the study itself if every stage is needed."""
    made, now = plan.blueprint, len(distinct(plan.runs))
    if plan.study.design is Design.path:
        return path.most_variants(len(made.axes)) * made.seeds.looks[0]
    return now * made.seeds.looks[-1] // made.seeds.looks[0]


def _span(found: Estimate, least: int, most: int, at_once: int) -> str:
    low, high = (_duration(runs * found.run_seconds / at_once) for runs in (least, most))
    return f"about {low}" if low == high else f"about {low} to {high}"


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1, round(seconds))} s"


def _bytes(count: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.{0 if count >= 10 * size else 1}f} {unit}"
    return f"{count:.0f} bytes"
