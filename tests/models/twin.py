"""The same network of torch's own modules on packed sequences: oracle of models and training."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from rnn_regexp.models import GRU, LSTM, RNN, Model
from rnn_regexp.weights import Weights

KERNELS = {RNN: nn.RNN, GRU: nn.GRU, LSTM: nn.LSTM}
PARTS = {"W_hx": "weight_ih", "W_hh": "weight_hh", "b_hx": "bias_ih", "b_hh": "bias_hh"}


class Twin(nn.Module):
    """One run: ``nn.Embedding`` (of tokens), ``nn.RNN``, ``GRU`` or ``LSTM``, ``nn.Linear``."""

    def __init__(self, model: Model, vocabulary: int, features: int, outputs: int) -> None:
        super().__init__()
        self.directions = model.directions
        other = {"nonlinearity": model.nonlinearity.name} if isinstance(model, RNN) else {}
        if vocabulary:
            self.embedding = nn.Embedding(vocabulary, model.embedding)
        width = model.embedding if vocabulary else features
        self.recurrent = KERNELS[type(model)](
            width, model.hidden, model.layers, bidirectional=model.bidirectional, **other
        )
        self.head = nn.Linear(model.hidden * model.directions, outputs)

    @classmethod
    def of(cls, model: Model, weights: Weights, k: int) -> "Twin":
        """The network with the weights of run ``k``, in their precision."""
        shapes = {spec.name: spec.shape for spec in weights.specs}
        vocabulary = shapes.get("embedding", (0,))[0]
        features = 0 if vocabulary else shapes["layer0.0.W_hx"][1]
        twin = cls(model, vocabulary, features, shapes["head.W_yh"][0]).to(weights.flat.dtype)
        with torch.no_grad():
            for name in weights:
                twin.parameter(name).copy_(weights[name][k])
        return twin

    def parameter(self, name: str) -> nn.Parameter:
        """The parameter that the project calls ``name``."""
        if name == "embedding":
            return self.embedding.weight
        part, _, rest = name.partition(".")
        if part == "head":
            return self.head.weight if rest == "W_yh" else self.head.bias
        direction, _, kind = rest.partition(".")
        suffix = "_reverse" if direction == "1" else ""
        return getattr(self.recurrent, f"{PARTS[kind]}_l{part.removeprefix('layer')}{suffix}")

    def forward(self, inputs: Tensor, lengths: Tensor, mask: Tensor | float = 1.0) -> Tensor:
        """Logits (B, C) of ``inputs`` (T, B) or (T, B, D); ``mask`` (B, H) on the last state."""
        x = inputs if inputs.is_floating_point() else self.embedding(inputs)  # (T, B, D)
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        _, state = self.recurrent(packed)
        h = state[0] if isinstance(state, tuple) else state  # (layers * directions, B, H)
        return self.head(mask * torch.cat(tuple(h[-self.directions :]), dim=-1))
