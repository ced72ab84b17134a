"""Which variants want more seeds after a look at the results."""

from pathlib import Path


def open_variants(folder: Path, look: int, looks: list[int]) -> list[str]:
    """The names of the variants whose comparisons are undecided after ``look`` (1, 2, ...).

    No error rate is controlled here: each look judges as if it were the only one.
    """
    from rnn_regexp.ablation.contrasts import effects_table
    from rnn_regexp.ablation.runs_table import read_study

    runs = read_study(folder)
    effects = effects_table(runs.table, runs.description, runs.metrics)
    judged = effects[effects["metric"] == runs.description.primary]
    undecided = judged[judged["verdict"].str.startswith("undecided")]
    open_levels = set(zip(undecided["factor"], undecided["level"], strict=True))
    keys = [factor.key for factor in runs.description.factors]
    table = runs.table.drop_duplicates("variant")
    return [
        row["variant"]
        for row in table.to_dict("records")
        if any((key, row[key]) in open_levels for key in keys)
    ]
