"""A step recorded as a CUDA graph: one launch in place of a thousand.

A step of small networks costs more to launch than to compute.  A recording has no such cost, but
knows no Python: what it reads must stand in tensors, at the same place each time, and it may not
wait for the device (``.item()``, ``.tolist()``, ``.cpu()``, indexing by a mask).
"""

import warnings
from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

Tensors = tuple[Tensor, ...]
Call = Callable[[], Tensors]
Function = Callable[[Tensors, Any], Tensors]


class Recorder:
    """Records a call on CUDA as torch's notes on CUDA graphs say, after warming up beside.

    All recordings share their working memory: none runs beside another.
    """

    warm_up = 3  # calls, in which libraries take their memory and kernels are compiled

    @cached_property
    def _pool(self) -> Any:
        return torch.cuda.graph_pool_handle()

    def __call__(self, call: Call) -> Call:
        """What replays ``call`` and returns its results, at the same place each time."""
        here, beside = torch.cuda.current_stream(), torch.cuda.Stream()
        beside.wait_stream(here)
        with torch.cuda.stream(beside):
            for _ in range(self.warm_up):
                call()
        here.wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            results = call()

        def replay() -> Tensors:
            graph.replay()
            return results

        return replay


class Graphed:
    """A function of tensors and a form, with a recording for each shape and form that comes again.

    ``function`` takes tensors and something hashable, and returns tensors.  It may change those
    that ``state`` gives, in place; what else it reads must stay as it is.  The first call with new
    shapes runs it plainly.  The second records it, which warms up by running it: ``state`` is put
    back afterwards, so a call is one step whichever way it goes.  ``most`` bounds the recordings,
    each of which holds inputs and results of its own; further shapes run plainly.  So do all
    without a recorder, on CPU, and once something could not be recorded: a warning says what.
    """

    def __init__(
        self,
        function: Function,
        state: Callable[[], Iterable[Tensor]],
        record: Callable[[Call], Call] | None,
        most: int = 32,
    ) -> None:
        self.function, self.state, self.most = function, state, most
        self._record = record
        self._seen: set[Hashable] = set()
        self._recorded: dict[Hashable, tuple[Tensors, Call]] = {}

    @classmethod
    def on(
        cls,
        device: torch.device | None,
        function: Function,
        state: Callable[[], Iterable[Tensor]],
    ) -> "Graphed":
        """Recordings where the device has them; none without one."""
        cuda = device is not None and device.type == "cuda"
        return cls(function, state, Recorder() if cuda else None)

    @property
    def records(self) -> bool:
        """Whether there is a recorder."""
        return self._record is not None

    def __call__(self, inputs: Tensors, form: Hashable = None) -> Tensors:
        """``function(inputs, form)``; the results are the caller's to keep."""
        key = (form, *((own.shape, own.dtype, own.device) for own in inputs))
        if key not in self._recorded and not self._prepare(key, inputs, form):
            return self.function(inputs, form)
        places, replay = self._recorded[key]
        for place, own in zip(places, inputs, strict=True):
            place.copy_(own)
        return tuple(result.clone() for result in replay())

    def _prepare(self, key: Hashable, inputs: Tensors, form: Hashable) -> bool:
        """Record the function for these shapes, if they come again and there is room."""
        again = key in self._seen
        self._seen.add(key)
        if self._record is None or not again or len(self._recorded) >= self.most:
            return False
        places = tuple(own.detach().clone() for own in inputs)
        before = [own.detach().clone() for own in self.state()]
        try:
            self._recorded[key] = places, self._record(lambda: self.function(places, form))
        except RuntimeError as error:
            why = str(error).partition("\n")[0]
            warnings.warn(
                f"steps are not recorded, and slower: {why}", RuntimeWarning, stacklevel=4
            )
            self._record = None
        with torch.no_grad():
            for own, old in zip(self.state(), before, strict=True):
                own.copy_(old)
        return key in self._recorded
