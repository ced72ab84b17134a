"""Translation: each word counts as much as any other, and sentences are judged as published."""

import dataclasses
import math

import pytest
import torch
from sacrebleu.metrics import BLEU
from torch import Tensor
from torch.nn import functional as F

from rnn_regexp.data.parallel_texts import sentences as texts
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.errors import BadInput
from rnn_regexp.models import GRU, LSTM, Score
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.application import NOTHING
from rnn_regexp.regularizers.label_smoothing import LabelSmoothing
from rnn_regexp.regularizers.scheduled_sampling import ScheduledSampling
from rnn_regexp.tasks import bleu, translate
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.optimizers import Adam
from rnn_regexp.training.settings import Precision, Reduction
from rnn_regexp.training.step import losses
from tests.training.tiny import cohort, run, translations, watch

MODEL = GRU(4, 4, bidirectional=True)


def told(data: SequenceData, split: str) -> list[str]:
    """The references of a split, from the numbers in its targets."""
    every = texts(data.constants["references"])
    return [every[n] for n in getattr(data, split).targets[:, 0].tolist()]


def test_loss_perplexity_and_accuracy_are_means_over_words():
    data = translations()
    own = cohort(run(), run(seed=1), data=data, model=MODEL)
    found = evaluate(own, own.split("valid"))
    batch = own.task.sample(own.split("valid"), 2)
    trace = own.task.forward(own.network(), batch, None)
    loss, last = own.task.loss(trace, batch, NOTHING), own.task.last_loss(trace, batch)
    words = data.valid.targets[:, 1 : 1 + trace.logits.shape[1]].T  # (T, B)
    for k in range(2):
        logits = trace.logits[k]
        expected = F.cross_entropy(logits.flatten(0, 1), words.flatten(), ignore_index=-1).item()
        right = (logits.argmax(dim=-1) == words)[words >= 0].double().mean().item()
        assert loss[k].item() == pytest.approx(expected, rel=1e-9)
        assert found["loss"][k].item() == pytest.approx(expected, rel=1e-9)
        assert found["perplexity"][k].item() == pytest.approx(math.exp(expected), rel=1e-9)
        assert found["accuracy"][k].item() == pytest.approx(right, rel=1e-6)
        ends = data.valid.lengths  # the end mark is the word behind the last
        of_end = [F.cross_entropy(logits[n, b], words[n, b]) for b, n in enumerate(ends)]
        torch.testing.assert_close(last[k], torch.stack(of_end))


def test_a_decoder_reads_the_word_before_the_one_it_is_to_write():
    own = cohort(run(), data=translations(), model=MODEL)
    batch = own.task.sample(own.split("valid"), 1)
    trace = own.task.forward(own.network(), batch, None)
    table = own.weights["decoder.embedding"][0]
    words = batch.targets[0, :, 1:].T.clamp_min(0)
    expected = torch.cat((torch.zeros_like(words[:1]), words[:-1]))
    torch.testing.assert_close(trace.inputs[0][0], table[expected])


def test_batches_are_as_long_as_their_longest_target_which_changes_no_number():
    own = cohort(run(), data=translations(longest=9), model=MODEL)
    split = own.split("train")
    noise = Noise(own.seeds, 1)
    for cut in own.task.batches(split, noise, own.batching(noise)):
        longest = int((cut.targets[..., 1:] >= 0).sum(dim=-1).max())
        assert cut.targets.shape[-1] == 1 + longest
    assert longest + 1 < split.targets.shape[1]
    pad = split.targets.shape[1] - cut.targets.shape[-1]
    whole = dataclasses.replace(cut, targets=F.pad(cut.targets, (0, pad), value=-1))
    found = [
        own.task.loss(own.task.forward(own.network(), b, None), b, NOTHING) for b in (cut, whole)
    ]
    torch.testing.assert_close(*found, rtol=1e-12, atol=0)


def test_bleu_is_that_of_sacrebleu_on_the_whole_split():
    """Whatever the batches: counts add up."""
    data = translations(valid=300)
    own = cohort(run(optimizer=Adam(0.05)), run(seed=1), data=data, model=GRU(8, 16), epochs=6)
    watch(own)
    split = own.split("valid")
    found = evaluate(own, split)["bleu"]
    network = own.network(flat=own.judged())
    assert len(list(own.task.evaluation(split, 2))) > 1
    written: list[dict[int, str]] = [{}, {}]
    for batch in own.task.evaluation(split, 2):
        words = own.task.evaluated(network, batch, None).words
        for k, run_of in enumerate(written):
            numbers = batch.targets[k, :, 0].tolist()
            run_of |= dict(zip(numbers, own.task.texts(words[k].tolist())))
    scorer, references = BLEU(lowercase=True), told(data, "valid")
    for k, run_of in enumerate(written):
        own_texts = [run_of[n] for n in data.valid.targets[:, 0].tolist()]
        expected = scorer.corpus_score(own_texts, [references]).score
        assert 0 < expected < 100
        assert found[k].item() == pytest.approx(expected, rel=1e-12)
    assert own.task.provenance() == {"sacrebleu": str(scorer.get_signature())}


def test_the_right_words_have_the_best_score_and_case_is_no_matter():
    sentences = ["Ein Mann, der in den Wald geht.", "Zwei Hunde spielen im Schnee."]
    own = bleu.counts([text.lower() for text in sentences], sentences)
    assert bleu.score(own) == pytest.approx(100)
    worse = bleu.counts(["ein hund spielt", "zwei männer im wald"], sentences)
    both = [a + b for a, b in zip(own, worse)]
    assert 0 <= bleu.score(worse) < bleu.score(both) < 100
    assert bleu.score(bleu.counts(["", ""], sentences)) == 0
    assert bleu.signature().startswith("nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:2.")


def test_marks_and_pieces_of_words_become_text():
    data = dataclasses.replace(
        translations(),
        classes=("</s>", "<unk>", "ein", "hund", "##e", "t", "-", "shirt", "."),
    )
    task = cohort(run(), data=data, model=MODEL).task
    assert task.texts([[2, 1, 8, -1], [5, 6, 7, 4, -1], [6, 2, 6, -1], [-1] * 3]) == [
        "ein ⁇.", "t-shirte", "- ein -", ""
    ]  # fmt: skip


@pytest.mark.parametrize(
    "model", [GRU(8, 24), LSTM(8, 24, bidirectional=True)], ids=["gru", "lstm"]
)
def test_it_learns_to_translate_words(model: GRU | LSTM):
    data = translations(longest=5, train=150, valid=30)
    own = cohort(run(optimizer=Adam(0.02)), data=data, model=model, epochs=20, batch_size=10)
    (outcome,), _ = watch(own)
    assert outcome.metrics["best/valid/accuracy"] > 0.9
    assert outcome.metrics["best/valid/bleu"] > 60
    assert outcome.metrics["best/valid/perplexity"] < 1.6


def probability(own: translate.Translate, network: object, batch: object, words: Tensor) -> Tensor:
    """log p (K, B) of words (K, B, L) that a search wrote, their end mark included."""
    targets = torch.cat((batch.targets[..., :1], F.pad(words, (0, 1), value=-1)), dim=-1)
    lengths = (words >= 0).sum(dim=-1, keepdim=True)
    targets = targets.scatter(2, 1 + lengths, 0)
    teaching = dataclasses.replace(batch, targets=targets)
    trace = own.forward(network, teaching, None)
    return -own._losses(trace, teaching, NOTHING).sum(dim=1)


def test_a_wider_beam_finds_what_is_more_probable():
    found = []
    for beam in (1, 12):
        data = translations(longest=3, valid=40, beam=beam)
        own = cohort(run(optimizer=Adam(0.05)), data=data, model=GRU(8, 8), epochs=5)
        watch(own)
        network, (batch,) = own.network(), own.task.evaluation(own.split("valid"), 1)
        words = own.task.evaluated(network, batch, None).words
        whole = (words < 0).any(dim=-1)  # none was cut
        assert whole.all()
        found.append(probability(own.task, network, batch, words))
    greedy, wide = found
    assert (wide >= greedy - 1e-9).double().mean() > 0.97
    assert (wide > greedy + 1e-9).any()


def test_labels_are_smoothed_in_training_alone():
    data, epsilon = translations(), 0.2
    own = cohort(run(LabelSmoothing(epsilon)), data=data, model=MODEL)
    noise = Noise(own.seeds, 1)
    batch = next(iter(own.task.batches(own.split("train"), noise, own.batching(noise))))
    _, total = losses(own, batch, noise, None)
    trace = own.task.forward(own.network(noise), batch, None)
    words = batch.targets[0, :, 1:].T.flatten()
    expected = F.cross_entropy(
        trace.logits[0].flatten(0, 1), words, ignore_index=-1, label_smoothing=epsilon
    )
    torch.testing.assert_close(total[0], expected)


def test_the_sum_over_time_counts_the_targets_steps():
    data = translations()
    parts = [cohort(run(), data=data, model=MODEL, reduction=own) for own in Reduction]
    noise = Noise(parts[0].seeds, 1)
    batch = next(
        iter(parts[0].task.batches(parts[0].split("train"), noise, parts[0].batching(noise)))
    )
    mean, summed = (losses(own, batch, noise, None)[1] for own in parts)
    torch.testing.assert_close(summed, mean * (batch.targets.shape[-1] - 1))


def test_mixed_precision_differs_by_rounding_only():
    data, model, found = translations(), LSTM(4, 8, bidirectional=True), []
    for precision in (Precision.float32, Precision.bfloat16):
        own = cohort(run(ScheduledSampling(0.3)), data=data, model=model, precision=precision)
        found.append(evaluate(own, own.split("valid"))["loss"].item())
        (outcome,), _ = watch(own)
        assert outcome.diverged_at is None
        found.append(outcome.metrics["valid/loss"])
    assert found[2:] == pytest.approx(found[:2], rel=0.05)


def test_dot_needs_states_of_one_width():
    model = GRU(4, 4, bidirectional=True, attention=Score.dot)
    with pytest.raises(BadInput) as caught:
        cohort(run(), data=translations(), model=model)
    assert str(caught.value) == (
        "model.attention=dot: both directions of the encoder are wider than the decoder "
        "(take general or concat)"
    )
    cohort(run(), data=translations(), model=dataclasses.replace(model, bidirectional=False))
