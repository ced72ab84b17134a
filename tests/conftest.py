import os

import pytest
import torch

if not torch.cuda.is_available():  # read when Triton is imported: kernels then run on CPU tensors
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture(autouse=True, scope="session")
def _cache_of_the_tests(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep what datasets cache away from the user's own folder, and threads off each other's."""
    torch.set_num_threads(1)
    cache = getattr(request.config, "cache", None)  # absent under -p no:cacheprovider
    folder = cache.mkdir("data") if cache else tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNN_REGEXP_CACHE", str(folder))
        yield
