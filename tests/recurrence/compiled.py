"""Compile the kernels for a CUDA device that need not be there; print the shared memory of each.

Run without Triton's interpreter, which accepts more than the compiler does.
"""

import sys
from collections.abc import Iterator
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from rnn_regexp import noise_cuda
from rnn_regexp.recurrence import cuda_elman, cuda_gru, cuda_lstm
from rnn_regexp.recurrence.cuda import tiling
from rnn_regexp.recurrence.cuda_tiles import RUNTIME

CELLS = ((cuda_elman, 1), (cuda_gru, 3), (cuda_lstm, 4))
Case = tuple[str, Any, dict[str, Any], dict[str, str], int]  # name, kernel, constants, types, warps


def cases() -> Iterator[Case]:
    """All noise at once, a mask for each gate; nothing for the widest kernels."""
    for module, gates in CELLS:
        for H, noisy in ((64, True), (128, False), (256, True)):
            sizes, whole = tiling(gates, H, gates if noisy else 1, torch.float32)
            constants = {"S": sizes, "RELU": False}
            constants |= {"products": None, "seen": None} if whole else {}
            for kernel in (module.forward, module.backward):
                absent = () if noisy else [n for n in kernel.arg_names if n.endswith("_noise")]
                own = constants | dict.fromkeys(absent)
                name = f"{module.__name__.rpartition('_')[2]} {kernel.__name__} {H}"
                yield name, kernel, own, dict.fromkeys(RUNTIME, "i32"), 8 if whole else 4
    integers = {"seeds": "*i64", "steps": "*i64", "site": "i64", "count": "i32"}
    yield "noise uniform", noise_cuda._draw, {"WORDS": 512, "rates": None}, integers, 4
    yield "noise keep", noise_cuda._draw, {"WORDS": 512}, integers | {"out": "*i1"}, 4


def compiled(case: Case, capability: int) -> int:
    """Bytes of shared memory."""
    _, kernel, constants, types, warps = case
    constants = {name: constants[name] for name in kernel.arg_names if name in constants}
    types = {name: types.get(name, "*fp32") for name in kernel.arg_names}
    source = ASTSource(kernel, types | dict.fromkeys(constants, "constexpr"), constants)
    options = {"num_warps": warps, "num_stages": 1}
    target = GPUTarget("cuda", capability, 32)
    return int(triton.compile(source, target=target, options=options).metadata.shared)


if __name__ == "__main__":
    for case in cases():
        print(f"{case[0]}: {compiled(case, int(sys.argv[1]))}", flush=True)
