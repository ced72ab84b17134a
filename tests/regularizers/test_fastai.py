"""AWD-LSTM's dropouts equal those of fastai with the same masks, where it is installed."""

import warnings
from unittest import mock

import pytest
import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.models import LSTM
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.dropout import Dropout, Where
from rnn_regexp.regularizers.embedding_dropout import EmbeddingDropout
from rnn_regexp.regularizers.weight_drop import WeightDrop
from rnn_regexp.training.cohort import Cohort
from tests.training.tiny import VOCABULARY, cohort, run, stream

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    why = "fastai is not installed: extra [oracles]"
    awd = pytest.importorskip("fastai.text.models.awdlstm", reason=why, exc_type=ImportError)

T, B, H = 6, 5, 4
RATES = {"hidden_p": 0.3, "input_p": 0.3, "embed_p": 0.2, "weight_p": 0.5}


def ours() -> tuple[Cohort, Batch]:
    locked = Dropout(0.3, [Where.input, Where.between], locked=True)
    own = cohort(
        run(WeightDrop(0.5), EmbeddingDropout(0.2), locked, seed=2),
        data=stream(),
        model=LSTM(H, H, layers=2),
    )
    words = torch.randint(1, VOCABULARY, (1, T, B), generator=torch.Generator().manual_seed(4))
    return own, Batch(words, torch.full((1, B), T), words)


def theirs(own: Cohort) -> torch.nn.Module:
    """The same weights in fastai's module."""
    model = awd.AWD_LSTM(VOCABULARY, H, H, 2, pad_token=0, **RATES).double()
    weights = {name: value[0].detach() for name, value in own.weights.items()}
    names = {"W_hx": "weight_ih_l0", "b_hx": "bias_ih_l0", "b_hh": "bias_hh_l0"}
    with torch.no_grad():
        model.encoder.weight.copy_(weights["embedding"])
        for layer, rnn in enumerate(model.rnns):
            rnn.weight_hh_l0_raw.copy_(weights[f"layer{layer}.0.W_hh"])
            for name, parameter in names.items():
                getattr(rnn.module, parameter).copy_(weights[f"layer{layer}.0.{name}"])
    model.bs = B
    model.hidden = [tuple(torch.zeros(1, B, H).double() for _ in range(2)) for _ in range(2)]
    return model


def mask(noise: Noise, site: str, rate: float, *shape: int) -> Tensor:
    return (noise.uniform(site, shape)[0] >= rate).double() / (1 - rate)


def outputs(model: torch.nn.Module, batch: Batch, noise: Noise) -> Tensor:
    """(B, T, H) in training, with our masks where fastai would draw its own."""
    masks = [
        mask(noise, "embedding_dropout", 0.2, VOCABULARY, 1),
        mask(noise, "dropout/input/0", 0.3, B, H)[:, None],
        mask(noise, "dropout/between/1", 0.3, B, H)[:, None],
    ]
    dropped = [mask(noise, f"weight_drop/layer{own}.0.W_hh", 0.5, 4 * H, H) for own in (0, 1)]

    def given(x: Tensor, size: tuple[int, ...], p: float) -> Tensor:
        assert masks[0].shape == size
        return masks.pop(0)

    with (
        mock.patch.object(awd, "dropout_mask", given),
        mock.patch.object(awd.F, "dropout", lambda w, p: w * dropped.pop(0)),
    ):
        out = model.train()(batch.inputs[0].t())
    assert not masks
    assert not dropped
    return out


def test_outputs_and_gradients_in_training():
    own, batch = ours()
    model, noise = theirs(own), Noise(own.seeds, 3)
    wanted = outputs(model, batch, noise)
    found = own.task.forward(own.network(noise), batch, ()).outputs[-1]  # (1, T, B, H)
    torch.testing.assert_close(found[0].transpose(0, 1), wanted, rtol=1e-12, atol=1e-14)
    own.weights.differentiate(found.square().sum()[None])
    wanted.square().sum().backward()
    gradients = dict(own.weights._views(own.weights.gradient))
    pairs = {"embedding": model.encoder.weight}
    pairs |= {f"layer{k}.0.W_hh": rnn.weight_hh_l0_raw for k, rnn in enumerate(model.rnns)}
    for name, parameter in pairs.items():
        assert parameter.grad.abs().max() > 1e-3
        torch.testing.assert_close(gradients[name][0], parameter.grad, rtol=1e-10, atol=1e-14)


def test_outputs_in_evaluation():
    own, batch = ours()
    found = own.task.forward(own.network(), batch, ()).outputs[-1]
    wanted = theirs(own).eval()(batch.inputs[0].t())
    torch.testing.assert_close(found[0].transpose(0, 1), wanted, rtol=1e-12, atol=1e-14)
