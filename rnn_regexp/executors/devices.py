"""Which GPU a worker process gets: assigned once, before it starts."""

import os
from collections.abc import Sequence

import torch

from rnn_regexp.executors.settings import Cohorts
from rnn_regexp.training.settings import Device

VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible(cohorts: Cohorts) -> list[str]:
    """The GPUs that this process may use, as CUDA names them; none where no cohort wants one."""
    wanted = any(own[0].training.device is not Device.cpu for own in cohorts)
    if not wanted or not torch.cuda.is_available():
        return []
    named = [word.strip() for word in os.environ.get(VISIBLE, "").split(",") if word.strip()]
    return named or [str(index) for index in range(torch.cuda.device_count())]


def environment(gpus: Sequence[str], slot: int, threads: int) -> dict[str, str]:
    """This process's environment with the one GPU and the threads of the worker in ``slot``."""
    own = {VISIBLE: gpus[slot % len(gpus)]} if gpus else {}
    return {**os.environ, "OMP_NUM_THREADS": str(threads), **own}
