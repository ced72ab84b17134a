import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from rnn_regexp.interruption import ENDING

REPOSITORY = Path(__file__).parents[1]
NUMERICAL = ("diagnostics", "models", "recurrence", "regularizers", "tasks", "training")
if not torch.cuda.is_available():  # read when Triton is imported: kernels then run on CPU tensors
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture(autouse=True, scope="session")
def _cache_of_the_tests(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep what is cached away from the user's own folder, and threads off each other's."""
    torch.set_num_threads(1)
    cache = getattr(request.config, "cache", None)  # absent under -p no:cacheprovider
    folder = cache.mkdir("data") if cache else tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNN_REGEXP_CACHE", str(folder))
        patch.setenv("NUMBA_CACHE_DIR", str(folder))
        yield


@pytest.fixture(autouse=True, scope="module")
def _small_examples_are_sorted_by_length_too(request: pytest.FixtureRequest) -> None:
    """What pays in large networks the small ones of the numerical tests go through."""
    with pytest.MonkeyPatch.context() as patch:
        if request.path.parent.name in NUMERICAL:
            patch.setattr("rnn_regexp.recurrence.ragged._WORTH_SORTING", 0)
        yield


@pytest.fixture(scope="session")
def data_root() -> str:
    """The published data, in $RNN_REGEXP_DATA or beside the checkout; skips where they are not."""
    beside = REPOSITORY.parent / "shared" / "data"
    folder = Path(os.environ.get("RNN_REGEXP_DATA", beside))
    if not folder.is_dir():
        pytest.skip("no published data here: name their folder in RNN_REGEXP_DATA")
    return str(folder)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is downloaded."""
    monkeypatch.setenv("RNN_REGEXP_OFFLINE", "1")


@pytest.fixture
def listening() -> Iterator[None]:
    """Signals that ask to end do so, even where the tests are run behind ``nohup`` or ``&``."""
    with contextlib.ExitStack() as stack:
        for number in ENDING:
            if (before := signal.getsignal(number)) is signal.SIG_IGN:
                hears = number == signal.SIGINT
                signal.signal(number, signal.default_int_handler if hears else signal.SIG_DFL)
                stack.callback(signal.signal, number, before)
        yield
