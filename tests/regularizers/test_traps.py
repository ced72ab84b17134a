"""Where public implementations go wrong, and what is refused, each with the tests that see it."""

import ast
from functools import cache
from pathlib import Path

import pytest
import torch

from rnn_regexp.models import LSTM
from rnn_regexp.regularizers.clip import Clip
from rnn_regexp.regularizers.l2 import L2
from rnn_regexp.training.optimizers import SGD
from rnn_regexp.training.settings import Reduction
from tests.training.tiny import cohort, run, stream, watch

TESTS = Path(__file__).parents[1]

TRAPS = {
    "a loss summed over time has other thresholds, rates and penalties than a mean": """
        regularizers/test_traps.py test_a_sum_over_time_is_a_mean_in_other_units
        tasks/test_language_model.py test_training_is_truncated_backpropagation_with_torchs_lstm""",
    "dropout between layers does nothing with one layer, and is fresh at every step": """
        regularizers/test_fitting.py test_what_has_no_effect_is_told
        ablation/test_idle.py test_what_cannot_have_an_effect_is_refused
        regularizers/test_dropout.py test_an_unlocked_mask_is_new_at_every_step""",
    "scaling in training or at test time agree in the mean, and only there": """
        regularizers/test_masks.py test_training_and_evaluation_agree_in_the_mean
        regularizers/test_dropout_equations.py test_training_equals_the_equations""",
    "a locked mask is one a sequence, not one a batch and step": """
        regularizers/test_dropout.py test_a_locked_mask_is_shared_over_time_and_over_nothing_else
        regularizers/test_masks.py test_shared_over_what_is_said_and_over_nothing_else""",
    "masks leak into evaluation, or its expectation is dead code": """
        regularizers/test_weight_drop.py test_evaluation_drops_nothing
        regularizers/test_sites.py test_evaluation_is_untouched_unless_it_takes_part_in_it
        regularizers/test_dropout_equations.py
            test_evaluation_equals_the_plain_equations_or_their_expectation""",
    "weights that are rebound break evaluation, copies and pickles": """
        regularizers/test_weight_drop.py test_training_evaluation_and_training_again
        regularizers/test_weight_drop.py test_a_copy_is_a_copy_before_and_after_a_forward_pass
        regularizers/test_contracts.py test_settings_survive_copies
        regularizers/test_contracts.py test_a_cohort_is_copied_whole_in_the_midst_of_training""",
    "cuDNN warns of weights that lie apart at every call": """
        recurrence/test_streams.py test_cudnn_multiplies_as_torch_does_and_does_not_warn""",
    "padding is read: by last states, by the reversed direction, by penalties, by statistics": """
        recurrence/test_lengths.py test_padded_equals_unpadded
        models/test_forward.py test_logits_and_gradients_are_those_of_torch
        regularizers/test_more_penalties.py
            test_temporal_activation_is_the_mean_square_of_steps_within_sequences
        regularizers/test_recurrent_batch_norm.py
            test_training_follows_the_paper_and_no_padding_enters_a_statistic""",
    "orthogonal on stacked gates leaves no gate orthogonal": """
        regularizers/test_init.py test_each_gate_is_orthogonal
        regularizers/test_init.py test_orthogonal_on_the_whole_stack_leaves_no_gate_orthogonal
        regularizers/test_init.py test_stacked_is_one_orthogonal_matrix_for_all_gates""",
    "Xavier's fans are those of a gate, the forget bias counts once, gates have torch's order": """
        regularizers/test_init.py test_xavier_on_the_whole_stack_would_be_smaller
        regularizers/test_starts.py test_the_forget_gates_bias_is_set_once_and_nothing_else_moves
        recurrence/test_torch.py test_equals_torch""",
    "Adam's L2 is no decay, and reaches biases and words that do not occur": """
        regularizers/test_weight_decay.py test_a_weight_without_gradient_after_100_steps
        regularizers/test_weight_decay.py
            test_under_adam_the_coefficient_does_not_matter_to_a_weight_without_gradient
        regularizers/test_weight_decay.py test_what_is_not_chosen_does_not_decay
        models/test_forward.py test_what_stands_behind_the_length_changes_nothing""",
    "torch's ASGD leaves the first weights out and takes a new rate one step late": """
        training/test_optimizers.py test_the_exact_average_is_the_mean_of_the_weights_behind_t0
        training/test_optimizers.py test_torch_leaves_the_first_weights_out
        training/test_optimizers.py test_in_torch_a_new_rate_acts_one_step_late
        regularizers/test_averaging_techniques.py
            test_nt_asgd_averages_every_step_behind_its_trigger_the_first_included""",
    "zoneout with inverted rates, one mask for two states, h of the zoned c": """
        recurrence/test_noise_equations.py test_equals_the_equations
        regularizers/test_dropout_equations.py test_training_equals_the_equations
        regularizers/test_masks.py
            test_zoneout_shares_a_mask_between_h_and_c_where_it_is_told_to""",
    "perplexity is that of the mean over tokens, of which none is left out": """
        tasks/test_language_model.py test_perplexity_is_that_of_the_mean_over_tokens
        tasks/test_language_model.py test_evaluation_sees_every_token_once""",
    "states are carried detached, begin at zero with each epoch, and in evaluation": """
        tasks/test_language_model.py test_training_is_truncated_backpropagation_with_torchs_lstm
        tasks/test_language_model.py test_windows_of_different_lengths_are_each_runs_own
        regularizers/test_state_reset.py test_windows_differ_and_evaluation_resets_nothing""",
    "cuDNN has no second derivatives, and no gradients outside training": """
        recurrence/test_derivatives.py test_second_derivatives_go_through_cells
        regularizers/test_inside_the_cell.py test_what_cannot_be_computed_is_refused
        diagnostics/test_diagnostics.py
            test_gradient_flow_is_the_mean_norm_of_each_sequences_own_gradient""",
    "one random number more shifts all later ones, masks and data order": """
        regularizers/test_contracts.py test_it_shifts_no_other_techniques_random_numbers
        training/test_alone_equals_in_cohort.py
            test_nothing_is_drawn_from_the_global_generator
        training/test_alone_equals_in_cohort.py test_alone_equals_in_cohort""",
    "the norm is that before clipping, and one that is not finite poisons all": """
        regularizers/test_clip.py test_the_norm_is_that_before_clipping
        regularizers/test_clip.py test_a_run_that_is_not_finite_leaves_the_others_alone
        training/test_divergence.py test_a_gradient_that_is_not_finite_stays_in_its_run""",
    "models are chosen by validation, never by test data": """
        training/test_loop.py test_best_metrics_are_of_the_epoch_with_the_least_validation_loss
        training/test_loop.py test_final_metrics_are_of_the_last_epoch""",
    "tied weights: masks reach the embedded words alone, and the start is the embedding's": """
        regularizers/test_forms.py
            test_embedding_dropout_masks_the_embedded_words_and_not_the_head
        regularizers/test_forms.py
            test_the_head_reads_with_the_embedding_and_has_no_matrix_of_its_own""",
    "Penn Treebank has 929,589, 73,760 and 82,430 tokens of 10,000 words": """
        data/test_running_text.py test_ptb_has_its_published_counts""",
    "the permutation of pixels is one": """
        data/test_mnist.py test_the_permutation_is_the_known_bijection""",
}

REFUSALS = {
    "two hard parametrizations of W_hh": """
        regularizers/test_forms.py test_two_forms_of_one_matrix_are_refused""",
    "two techniques that set the same biases, or normalize the same products": """
        regularizers/test_starts.py test_what_has_no_such_gate_is_refused
        regularizers/test_recurrent_batch_norm.py test_what_cannot_be_computed_is_refused""",
    "tied weights of different sizes": """
        regularizers/test_forms.py test_what_cannot_be_tied_is_refused""",
    "a changed cell with a fused kernel forced": """
        regularizers/test_inside_the_cell.py test_what_cannot_be_computed_is_refused
        regularizers/test_fitting.py test_what_cannot_be_done_is_refused_with_the_reason
        models/test_mogrifier.py test_kernels_that_do_not_know_it_are_refused""",
    "scheduled sampling on a classifier": """
        regularizers/test_scheduled_sampling.py test_other_tasks_are_refused""",
    "a technique that would do nothing is warned of, and refused as a factor": """
        regularizers/test_fitting.py test_what_has_no_effect_is_told
        app/test_bad_input.py test_a_technique_without_effect_is_warned_of
        ablation/test_idle.py test_what_cannot_have_an_effect_is_refused""",
}
BOTH = TRAPS | REFUSALS


@pytest.mark.parametrize("case", BOTH)
def test_each_has_its_tests(case: str):
    words = BOTH[case].split()
    pairs = list(zip(words[::2], words[1::2], strict=True))
    assert pairs
    for file, name in pairs:
        assert name in functions(file), f"{file} has no {name}"


@cache
def functions(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {own.name for own in tree.body if isinstance(own, ast.FunctionDef)}


def test_a_sum_over_time_is_a_mean_in_other_units():
    """T times the threshold and the penalty, a T-th of the rate: the same steps."""
    T, model = 11, LSTM(4, 4)
    settings = {"model": model, "data": stream(), "window": T, "epochs": 3}
    mean = run(Clip(0.2), L2(0.01), optimizer=SGD(1.0))
    summed = run(Clip(0.2 * T), L2(0.01 * T), optimizer=SGD(1.0 / T))
    _, by_mean = watch(cohort(mean, **settings))
    _, by_sum = watch(cohort(summed, reduction=Reduction.time_sum, **settings))
    _, unscaled = watch(cohort(mean, reduction=Reduction.time_sum, **settings))
    # Apart from the 1e-6 that torch adds to norms, and so do we.
    torch.testing.assert_close(by_sum.path(0), by_mean.path(0), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(unscaled.path(0), by_mean.path(0), rtol=1e-2)
    clipped = torch.stack(by_mean.clipped)
    assert clipped.any()
    assert not clipped.all()
