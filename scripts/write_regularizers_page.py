"""Write docs/regularizers.md from the techniques' docstrings and their files in conf/.

Usage: ``python -m scripts.write_regularizers_page``.
"""

import csv
import functools
import inspect
from collections.abc import Iterator
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from rnn_regexp.config.schema import CONF
from rnn_regexp.fields import snake_case
from rnn_regexp.regularizers import ALL
from rnn_regexp.regularizers.base import Regularizer

DOCS = Path(__file__).parents[1] / "docs"
PAGE, MEASURED = DOCS / "regularizers.md", DOCS / "benchmarks/regularizers.csv"
HEAD = """\
# The regularizers

<!-- Written by scripts/write_regularizers_page.py: change the docstrings, then run it. -->

Each is chosen by its name: `regularizers=[dropout,clip]`, then `regularizers.dropout.rate=0.3`.
They act in the order of this page. "Usual strength" is what choosing a technique by its name
sets; without it, a setting has the value that does nothing. Notation: `W_hx`, `W_hh`, `W_yh` are
the input-to-hidden, hidden-to-hidden and hidden-to-output matrices, `*` is elementwise.

What a technique needs decides how fast it can be:

- *any kernel*: torch's fused kernels and ours;
- *own recurrence*: masks inside the recurrence, which torch's fused kernels do not have
  (`training.backend` auto, scan, cells, cpu or cuda); `dropout` and `variational_dropout` need it
  only where they mask the state: `on=[hidden]` and `hidden` above 0;
- *changed cell*: the cell's equations, step by step (`training.backend` auto or cells), and a
  cohort without runs that lack it;
- *two passes* or *two gradients*: about twice the time of a step.

"Cost" is the time of a training step at the usual strength over that of a plain step of the same
model, and of an evaluation where the technique takes part in it; - where not measured. Medians of
turns, on {machine}:
[benchmarks/regularizers.csv](benchmarks/regularizers.csv) has them with quartiles and memory,
`python -m scripts.benchmark_regularizers` measures.
"""


def page() -> str:
    """The page's whole text."""
    rows = ["| name | what it does | needs | cost | usual strength |", "|---|---|---|---|---|"]
    for name, own in _named():
        facts = _summary(own), _needs(own), _cost(name, own), _usual(name)
        rows.append(f"| [`{name}`](#{name}) | {' | '.join(facts)} |")
    sections = (_section(name, own) for name, own in _named())
    return "\n".join([HEAD.format(machine=machine()), *rows, "", *sections])


def machine() -> str:
    """What the costs were measured on."""
    return MEASURED.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


@functools.cache
def measured() -> dict[str, dict[str, str]]:
    """The figures of each technique by name."""
    lines = MEASURED.read_text(encoding="utf-8").splitlines()[1:]
    return {row["technique"]: row for row in csv.DictReader(lines)}


def _cost(name: str, technique: type[Regularizer]) -> str:
    own = measured().get(name)
    if own is None:
        return "-"
    step, evaluation = (f"{float(own[what]):.1f}" for what in ("step", "evaluation"))
    evaluates = technique.evaluates or _overrides(technique, "draws")
    return f"{step} (evaluation {evaluation})" if evaluates else step


def _named() -> Iterator[tuple[str, type[Regularizer]]]:
    return ((snake_case(own.__name__), own) for own in ALL)


def _section(name: str, own: type[Regularizer]) -> str:
    paragraphs = inspect.cleandoc(own.__doc__ or "").split("\n\n")
    text = "\n\n".join(map(_paragraph, paragraphs))
    facts = {"Source": own.source, "Needs": _needs(own), "Usual strength": _usual(name)}
    if name in measured():
        row = measured()[name]
        times = f"{row['own_ms']} ms a step where the plain {row['model']} takes {row['plain_ms']}"
        facts["Cost"] = f"{_cost(name, own)} ({times}, {row['task']})"
    lines = "  \n".join(f"{what}: {it}." for what, it in facts.items())
    return f"## {name}\n\n{text}\n\n{lines}\n"


def _paragraph(text: str) -> str:
    """Equations and tables as they stand, prose with Markdown's single backquotes."""
    if is_formula(text):
        return f"```text\n{text}\n```"
    return text.replace("``", "`")


def is_formula(text: str) -> bool:
    """Whether a paragraph is set apart: it has an operator or columns, and ends no sentence."""
    marked = any(sign in text for sign in (" = ", " <- ", " -> ", " * ", "   "))
    return marked and not text.rstrip().endswith((".", ":"))


def _summary(own: type[Regularizer]) -> str:
    return (
        inspect.cleandoc(own.__doc__ or "").splitlines()[0].replace("``", "`").replace("|", "\\|")
    )


def _needs(own: type[Regularizer]) -> str:
    """What must be there, from the sites at which a technique acts."""
    found = [need for site, need in NEEDS.items() if _overrides(own, site)]
    if own.passes > 1:
        found.append("two passes")
    return ", ".join(found) or "any kernel"


NEEDS = {
    "recurrent_noise": "own recurrence",
    "transform_cell": "changed cell",
    "ascent": "two gradients",
}


def _overrides(own: type[Regularizer], site: str) -> bool:
    return getattr(own, site) is not getattr(Regularizer, site)


def _usual(name: str) -> str:
    """What its file in conf/ sets."""
    written = OmegaConf.load(CONF / f"regularizers/{name}.yaml")
    assert isinstance(written, DictConfig)
    plain = OmegaConf.to_container(written)
    assert isinstance(plain, dict)
    return ", ".join(f"`{key!s}={_typed(own)}`" for key, own in plain.items() if key != "defaults")


def _typed(value: object) -> str:
    """A value as the command line takes it."""
    if isinstance(value, list):
        return f"[{','.join(map(_typed, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
