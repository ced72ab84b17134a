"""``rnn-regexp report``: rebuild a study's report and send its runs to their tracking store."""

import argparse
from pathlib import Path

from rnn_regexp.commands.sync import add_stores, send, tracking


def report(words: list[str]) -> int:
    """Write the report and print the verdicts; returns the exit code."""
    options = _parser().parse_args(words)
    from rnn_regexp.ablation.report import write_report  # pandas and the figures: seconds

    folder = Path(options.folder)
    written = write_report(folder)
    print(written.verdicts)
    print(f"report:    {written.html}")
    store = tracking(folder, options.store, options.uri)
    if store is not None:
        send(folder, store)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "rnn-regexp report",
        description="Rebuild a study's report and tables; send runs that MLflow lacks.",
    )
    parser.add_argument("folder", help="a study's folder, e.g. outputs/four_knobs")
    add_stores(parser)
    return parser
