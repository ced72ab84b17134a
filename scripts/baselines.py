"""The plain networks by which docs/datasets.md says how hard a set is: one list, with their sizes.

No regularizer is on unless a recipe names one. What is judged is the test split, at the epoch
that is best on validation data; where a recipe has no validation split, at the last epoch.
"""

from dataclasses import dataclass

METRICS = {  # of each task: the one that its field reports
    "classify": "accuracy",
    "tag": "accuracy",
    "transduce": "label_error_rate",
    "language_model": "perplexity",
    "forecast": "mase",
    "translate": "bleu",
}


@dataclass(frozen=True)
class Baseline:
    """A plain network on a set: the words of ``rnn-regexp train`` beside ``dataset=<name>``."""

    name: str
    words: str
    seeds: int = 3
    limited: str = ""  # what was used of a large set
    metric: str = ""  # where it is not the task's usual one
    judged: str = "best"  # the epoch: best by validation, or last
    published: str = ""  # what others report, and who

    @property
    def command(self) -> str:
        """What the user types to train the same."""
        plain = "" if "regularizers=" in self.words else " regularizers=[]"
        return f"dataset={self.name}{plain} {self.words}"


TWENTY = "training.batch_size=64 training.epochs=20"
THIRTY = "training.batch_size=64 training.epochs=30 optimizer.lr=3e-3"
SHORT = "model=gru model.pooling=mean optimizer.lr=1e-2 training.epochs=100"
HOURS = "dataset.stride=4 training.batch_size=64 training.epochs=10"

BASELINES: dict[str, tuple[Baseline, ...]] = {
    "Ships with the package": (
        Baseline("docstrings", "model=gru training.epochs=12"),
        Baseline("docstrings_lm", "model=lstm optimizer.lr=3e-3 training.epochs=6"),
        Baseline("digits", "model=gru training.epochs=40"),
    ),
    "Text": (
        Baseline("trec", "model=gru training.epochs=10", published="ULMFiT .964 (NLP-progress)"),
        Baseline("trec", "dataset.labels=fine model=gru training.epochs=15"),
        Baseline("sst2", "model=gru training.epochs=5"),
        Baseline(
            "ag_news",
            "dataset.subset=true model=gru training.batch_size=64 training.epochs=3",
            seeds=2,
            limited="18,894 of 120,000 training texts, those of `dataset.subset`",
            published="all training texts: char-CNN .905, ULMFiT .950 (NLP-progress)",
        ),
        Baseline(
            "imdb",
            "dataset.examples=5000 dataset.max_length=200 model=gru model.pooling=mean"
            " training.batch_size=64 training.epochs=4",
            seeds=2,
            limited="5,000 of 25,000 training texts, 200 tokens of each",
        ),
    ),
    "Language models": (
        Baseline(
            "ptb",
            "model=lstm model.embedding=100 model.hidden=100 optimizer.lr=3e-3"
            " training.batch_size=20 training.epochs=4 training.limit=2000",
            seeds=2,
            limited="the first 128,000 of 929,589 training tokens",
            published="all of train: LSTM 2 x 200 without dropout 114.5, 2 x 1500 with dropout 78.4"
            " (Zaremba et al. 2014); AWD-LSTM 57.3 (Merity et al. 2018, table 4)",
        ),
        Baseline(
            "wikitext2",
            "dataset.vocabulary=10000 model=lstm model.embedding=100 model.hidden=100"
            " optimizer.lr=3e-3 training.batch_size=20 training.epochs=3 training.limit=1500",
            seeds=2,
            limited="the first 96,000 tokens of each split and 10,000 words, so perplexities of"
            " all 33,278 do not compare",
            published="AWD-LSTM 65.8 (Merity et al. 2018, table 4)",
        ),
        Baseline(
            "tinyshakespeare",
            "model=lstm model.hidden=128 optimizer.lr=3e-3 training.batch_size=50"
            " training.window=50 training.epochs=3",
            seeds=2,
            metric="bits",
        ),
    ),
    "Translation": (
        Baseline(
            "multi30k",
            "dataset.examples=10000 dataset.vocabulary=4000 model=gru model.embedding=128"
            " model.hidden=128 model.bidirectional=true optimizer.lr=3e-3 training.batch_size=64"
            " training.epochs=8",
            seeds=2,
            limited="10,000 of 28,999 training pairs, 4,000 tokens of each language",
        ),
    ),
    "Speech": (
        Baseline(
            "japanese_vowels",
            "dataset.valid_fraction=0 model=lstm model.hidden=100 training.batch_size=27"
            " training.epochs=100 regularizers=[clip] regularizers.clip.threshold=1",
            judged="last",
            published="the same recipe in torch alone, packed: .938 (.930 to .943), 3 seeds",
        ),
        Baseline("spoken_digits", f"model=gru optimizer.lr=3e-3 {TWENTY}"),
        Baseline(
            "spoken_digit_strings",
            "model=gru model.hidden=100 optimizer.lr=3e-3 training.batch_size=16"
            " training.epochs=20",
            seeds=2,
        ),
    ),
    "Time series, classified": (
        Baseline("ucr", f"dataset.problem=GunPoint {SHORT}"),
        Baseline("ucr", f"dataset.problem=ArrowHead {SHORT}"),
        Baseline("ucr", f"dataset.problem=ItalyPowerDemand {SHORT}"),
        Baseline("ucr", f"dataset.problem=BasicMotions {SHORT}"),
    ),
    "Time series, forecast": (
        Baseline("ett", f"dataset.station=ETTh1 dataset.relative=true model=gru {HOURS}"),
        Baseline("ett", f"dataset.station=ETTh2 dataset.relative=true model=gru {HOURS}"),
        Baseline("beijing_pm25", f"model=gru {HOURS}"),
        Baseline("melbourne_temperatures", f"model=gru {TWENTY}"),
        Baseline("exchange_rates", f"model=gru {HOURS}"),
        Baseline("sunspots", "model=gru training.epochs=100"),
        Baseline("co2", f"model=gru {TWENTY}"),
        Baseline("sp500", f"model=gru {TWENTY}"),
        Baseline("seattle_weather", f"model=gru {TWENTY}"),
    ),
    "Bioinformatics": (
        Baseline("splice_junctions", f"model=gru {TWENTY}"),
        Baseline("promoters", f"model=gru {TWENTY}"),
        Baseline("antimicrobial_peptides", f"model=gru {TWENTY}"),
        Baseline(
            "protein_location",
            "dataset.max_length=200 model=gru model.pooling=mean training.batch_size=64"
            " training.limit=2000 training.epochs=6 optimizer.lr=3e-3",
            seeds=2,
            limited="2,000 of 7,211 training proteins, 200 residues of each",
        ),
        Baseline("protein_structure", "model=gru model.bidirectional=true training.epochs=30"),
    ),
    "Letters and images": (
        Baseline("surnames", "model=gru training.batch_size=64 training.epochs=15"),
        Baseline(
            "mnist",
            "dataset.step=row model=lstm model.hidden=100 training.batch_size=64"
            " training.epochs=8 training.limit=10000",
            seeds=2,
            limited="rows of 28 pixels as steps, 10,000 of 55,000 training images",
            published="a pixel a step, all images: LSTM-100 .989, permuted .902"
            " (Cooijmans et al. 2017)",
        ),
    ),
    "Generated": (
        Baseline("temporal_order", f"dataset.length=50 model=gru {THIRTY}"),
        Baseline("adding", f"dataset.length=50 model=gru {THIRTY}", metric="loss"),
        Baseline("copying", f"dataset.length=20 model=gru {THIRTY}"),
        Baseline("parity", f"dataset.length=16 model=lstm {THIRTY}"),
    ),
}


def everything() -> list[Baseline]:
    """All of them, in the order of the page."""
    return [own for group in BASELINES.values() for own in group]
