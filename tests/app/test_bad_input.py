"""Bad input gets one clear line for each problem, exit code 2, no traceback; nothing is written."""

from pathlib import Path

import pytest
import torch

from rnn_regexp.ablation.study import Design
from rnn_regexp.config.overrides import Places
from rnn_regexp.ledger import Ledger, LedgerError

FOUR = ("ablate", "study=four_knobs", "training=smoke", "tracking=off")
SMOKE = ("train", "training=smoke", "tracking=off")
LIST = ", ".join(Places().choices("regularizers"))
STUDIES = ", ".join(Places().choices("study"))

DESIGNS = ", ".join(own.name for own in Design)

CASES = {
    "unknown key": (
        (*SMOKE, "training.epoks=3"),
        "unknown key training.epoks (did you mean training.epochs?)",
    ),
    "unknown key with +": ((*SMOKE, "+sede=1"), "unknown key sede (did you mean seed?)"),
    "unknown nested key with +": (
        (*SMOKE, "+regularizers.dropuot.rate=0.1"),
        "unknown key regularizers.dropuot.rate (did you mean regularizers.dropout.rate?)",
    ),
    "key of a regularizer that is not chosen": (
        (*SMOKE, "regularizers=[clip]", "regularizers.dropout.rate=0.1"),
        "unknown key regularizers.dropout.rate (dropout is not in regularizers=[clip])",
    ),
    "unknown choice": (
        (*SMOKE, "model=gruu"),
        "model=gruu: no such choice (allowed: gru, lstm, rnn) (did you mean gru?)",
    ),
    "unknown choice in the list": (
        (*SMOKE, "regularizers=[dropout,clipp]"),
        f"regularizers=clipp: no such choice (allowed: {LIST}) (did you mean clip?)",
    ),
    "unknown study": (
        ("ablate", "study=four_nobs"),
        f"study=four_nobs: no such choice (allowed: {STUDIES}) (did you mean four_knobs?)",
    ),
    "checkpoints less often than never": (
        (*SMOKE, "training.checkpoint_epochs=-1"),
        "training.checkpoint_epochs must be in [0, inf), got -1",
    ),
    "wrong type": ((*SMOKE, "seed=a"), "seed must be a whole number, got 'a'"),
    "wrong type: number": (
        (*SMOKE, "regularizers.dropout.rate=often"),
        "regularizers.dropout.rate must be a number, got 'often'",
    ),
    "wrong choice of an option": (
        (*SMOKE, "regularizers.clip.by=norms"),
        "regularizers.clip.by: 'norms' is not one of norm, value, tensor, adaptive"
        " (did you mean norm?)",
    ),
    "rate above 1": (
        (*SMOKE, "regularizers.dropout.rate=1.5"),
        "regularizers.dropout.rate must be in [0, 1), got 1.5",
    ),
    "not a number": ((*SMOKE, "optimizer.lr=nan"), "optimizer.lr must be in (0, inf), got nan"),
    "negative threshold": (
        (*SMOKE, "regularizers.clip.threshold=-1"),
        "regularizers.clip.threshold must be in (0, inf], got -1.0",
    ),
    "not an override": ((*SMOKE, "dropout"), "cannot read 'dropout': expected key=value"),
    "deletion": (
        (*SMOKE, "~regularizers.dropout"),
        "~regularizers.dropout: settings cannot be deleted;"
        " leave a regularizer out of regularizers=[...]",
    ),
    "a sweep in a study": (
        (*FOUR, "seed=1,2"),
        "seed=1,2: one value is wanted here;"
        " `train -m` takes several, and so does a factor of a study",
    ),
    "no factors": (
        ("ablate", "tracking=off"),
        "study.factors: no factors to compare (choose a study, e.g. study=four_knobs)",
    ),
    "factor of an unknown key": (
        (*FOUR, "study.factors.dropout.key=regularizers.dropuot.rate"),
        "study.factors.dropout: unknown key regularizers.dropuot.rate"
        " (did you mean regularizers.dropout.rate?)",
    ),
    "level of the wrong type": (
        (*FOUR, "study.factors.dropout.levels=[0.5,often]"),
        "study.factors.dropout: regularizers.dropout.rate must be a number, got 'often'",
    ),
    "level out of range": (
        (*FOUR, "study.factors.dropout.levels=[0.5,1.5]"),
        "study.factors.dropout: regularizers.dropout.rate must be in [0, 1), got 1.5",
    ),
    "baseline not among the levels": (
        (*FOUR, "study.factors.dropout.baseline=0.3"),
        "study.factors.dropout.baseline: 0.3 is not among the levels (0, 0.25, 0.5, 0.75)",
    ),
    "no levels": (
        (*FOUR, "study.factors.dropout.levels=[]"),
        "study.factors.dropout.levels: a list of values is wanted",
    ),
    "field that factors do not have": (
        (*FOUR, "+study.factors.lr={kee: optimizer.lr}"),
        "unknown key study.factors.lr.kee (did you mean key?)",
    ),
    "factor without +": (
        (*FOUR, "study.factors.lr={key: optimizer.lr}"),
        "unknown key study.factors.lr"
        " (to add a factor: +study.factors.lr={key: ..., levels: [...]})",
    ),
    "technique that the model cannot have": (
        (*SMOKE, "model=gru", "regularizers=[rnn_drop]"),
        "regularizers.rnn_drop: drops the state c, which only the LSTM has (model=gru)",
    ),
    "technique that the model of a variant cannot have": (
        (
            *FOUR,
            "regularizers=[dropout,weight_decay,clip,init,recurrent_dropout]",
            "+study.factors.model={key: model, levels: [gru, rnn]}",
        ),
        "variant model=rnn: regularizers.recurrent_dropout: drops a candidate update, which only"
        " gates have (model=rnn)",
    ),
    "technique that the dataset cannot have": (
        (*SMOKE, "dataset=digits", "regularizers=[word_dropout]"),
        "regularizers.word_dropout: the dataset has features, not words",
    ),
    "compared with nothing": (
        ("ablate", "study.compare={a: {model: rnn}}", "study.name=s"),
        "study.compare: two or more configurations are wanted",
    ),
    "design without configurations": (
        (*FOUR, "study.design=compare"),
        "study.compare: no configurations"
        " (e.g. study.compare={none: {regularizers: []}, dropout: {regularizers: [dropout]}})",
    ),
    "unknown design": (
        (*FOUR, "study.design=factorals"),
        f"study.design: 'factorals' is not one of {DESIGNS} (did you mean factorial?)",
    ),
    "a factor that has no effect": (
        (*FOUR, "+study.factors.w={key: training.window, levels: [35, 70]}"),
        "study.factors.w: 70 instead of 35 cannot have an effect:"
        " the dataset is no stream: nothing is cut",
    ),
    "too few trials": (
        (*FOUR, "study.nuisance={optimizer.lr: {low: 1e-4, high: 1e-2}}"),
        "study.tuning.trials: not set (how many trials of the ranges to make)",
    ),
    "a metric that cannot select": (
        (*FOUR, "study.nuisance={optimizer.lr: [1e-3]}", "study.metric=train/gradient_norm"),
        "study.metric: train/gradient_norm has no valid/gradient_norm, and validation data decide"
        " about nuisance settings and paths",
    ),
    "a rule for seeds": (
        (*FOUR, "study.seeds={start: 5, mx: 9}"),
        "unknown key study.seeds.mx (did you mean max?)",
    ),
    "a choice that a setting does not fit": (
        (*FOUR, "optimizer.beta1=0.8", "+study.factors.o={key: optimizer, levels: [adam, sgd]}"),
        "study.factors.o: optimizer=sgd has no optimizer.beta1, which is set for all variants",
    ),
    "a name that leads elsewhere": (
        (*SMOKE, "name=../../elsewhere"),
        "name must be made of letters, digits, _, - and ., got '../../elsewhere'",
    ),
    "a class in place of settings": (
        (*SMOKE, "+model._target_=os.system"),
        "unknown key model._target_ (did you mean model.layers?)",
    ),
    "a class in a study's place": (
        (*FOUR, "+study.factors.a={_target_: os.system, _args_: [true]}"),
        "unknown key study.factors.a._target_ (did you mean target?)",
    ),
    "no value": (
        (*SMOKE, "seed=???"),
        "seed: Structured config of type `Config` has missing mandatory value: seed",
    ),
    "a value that refers to none": (
        (*SMOKE, "name=${nothing}"),
        "name: Interpolation key 'nothing' not found",
    ),
    "no study": (
        (*SMOKE, "study=null"),
        f"study=null: no such choice (allowed: {STUDIES})",
    ),
    "added where it is": (
        (*SMOKE, "+seed=3"),
        "+seed is there already: without the +, or with ++, it is changed",
    ),
    "a factor whose key is no word": (
        (*FOUR, "+study.factors.a={key: [0], levels: [0]}"),
        "study.factors.a.key must be a setting's key, got [0]",
    ),
    "a factor whose keys are one number": (
        (*FOUR, "+study.factors.a={keys: 1, levels: [0]}"),
        "study.factors.a.keys must be a list of keys, got 1",
    ),
    "a factor whose levels are one number": (
        (*FOUR, "+study.factors.a={levels: 0}"),
        "study.factors.a.levels: a list of values is wanted",
    ),
    "a choice that is a number": (
        (*FOUR, "+study.factors.a={key: model, levels: [[0]]}"),
        "study.factors.a: model=0: no such choice (allowed: gru, lstm, rnn)",
    ),
    "more seeds than anybody can train": (
        (*FOUR, "study.seeds=1000000000000"),
        "study.seeds must be in [1, 1e6], got 1000000000000",
    ),
    "more runs than anybody can train": (
        (*FOUR, "study.seeds=1000000"),
        "14 variants x 1000000 seeds: 1000000 runs at most",
    ),
    "zero seeds": ((*FOUR, "study.seeds=0"), "study.seeds must be in [1, 1e6], got 0"),
    "unknown metric": (
        (*FOUR, "study.metric=valid/los"),
        "study.metric: there is no valid/los (did you mean valid/loss?)",
    ),
    "study name": (
        (*FOUR, "study.name=../x"),
        "study.name must be made of letters, digits, _, - and ., got '../x'",
    ),
    "unknown command": (
        ("abblate",),
        "unknown command abblate (commands: train, ablate, report, sync, dashboard, list, data)",
    ),
    "missing config folder": (
        (*SMOKE, "--config-dir", "nowhere"),
        "--config-dir nowhere: no such folder",
    ),
    "report of nothing": (("report", "nowhere"), "nowhere holds no runs yet: nothing to report"),
}


@pytest.mark.parametrize("name", CASES)
def test_one_line_and_exit_code_2(name: str, shell, tmp_path: Path) -> None:
    words, line = CASES[name]
    code, _, err = shell(*words)
    assert err == f"error: {line}\n"
    assert code == 2
    assert not list(tmp_path.rglob("*.json"))


def test_a_technique_without_effect_is_warned_of(shell) -> None:
    words = ("dataset=digits", "regularizers=[dropout]", "regularizers.dropout.on=[between]")
    code, out, err = shell(*SMOKE, *words)
    reason = "there is nothing between the layers of one (model.layers=1)"
    assert err == f"warning: regularizers.dropout does nothing: {reason}\n"
    assert code == 0
    assert "valid/loss" in out


def test_all_problems_are_reported_at_once(shell) -> None:
    words = ("+sede=1", "training.epochs=many", "regularizers.dropout.rate=1.5")
    code, _, err = shell(*SMOKE, *words)
    assert err.splitlines() == [
        "error: unknown key sede (did you mean seed?)",
        "error: training.epochs must be a whole number, got 'many'",
        "error: regularizers.dropout.rate must be in [0, 1), got 1.5",
    ]
    assert code == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
@pytest.mark.parametrize("command", [SMOKE, FOUR], ids=["train", "ablate"])
def test_cuda_asked_for_and_absent(command: tuple[str, ...], shell) -> None:
    code, _, err = shell(*command, "training.device=cuda")
    assert err == "error: training.device=cuda: no CUDA device here (allowed: auto, cpu)\n"
    assert code == 2


@pytest.mark.parametrize("command", [SMOKE, FOUR], ids=["train", "ablate"])
def test_output_that_cannot_be_written(command: tuple[str, ...], shell, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    code, _, err = shell(*command, "output=taken")
    folder = "train" if command is SMOKE else "four_knobs"
    assert err == f"error: output: cannot write to taken/{folder} (Not a directory)\n"
    assert code == 2


@pytest.mark.parametrize("command", [SMOKE, FOUR], ids=["train", "ablate"])
def test_a_file_of_ones_own_that_stands_for_more_than_fits(
    command: tuple[str, ...], shell, tmp_path: Path
) -> None:
    path = tmp_path / "mine/model/own.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("a: &a [x, x]\nb: [*a, *a]\n")
    code, _, err = shell(*command, "model=own", "--config-dir", "mine")
    line = "*a: aliases are not read; ${...} refers to a value (line 2)"
    assert err == f"error: mine/model/own.yaml: {line}\n"
    assert code == 2


@pytest.mark.parametrize(
    "command", [SMOKE, (*SMOKE, "-m"), FOUR], ids=["train", "multirun", "ablate"]
)
def test_a_disk_that_is_full(command: tuple[str, ...], shell, monkeypatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    code, _, err = shell(*command)
    folder = "four_knobs" if command is FOUR else "train"
    said = f"error: output: cannot write to outputs/{folder} (No space left on device)"
    assert err == f"{said}; when there is room, the same command goes on\n"
    assert code == 2


def test_what_a_crash_left_on_a_full_disk_goes_before_room_is_asked_for(
    shell, tmp_path: Path, monkeypatch
) -> None:
    torn = tmp_path / "outputs/four_knobs/checkpoints/.abc.safetensors.17"
    torn.parent.mkdir(parents=True)
    torn.write_bytes(b"half")

    def fill(ledger: Ledger, room: int = 1) -> None:
        if room and torn.exists():
            raise LedgerError("no room")
        if room:
            raise LedgerError("there is room")

    monkeypatch.setattr(Ledger, "require_writable", fill)
    code, _, err = shell(*FOUR, "executor.width=4")
    assert (code, err) == (2, "error: there is room\n")


def test_a_csv_that_is_not_there(shell) -> None:
    code, _, err = shell(*SMOKE, "dataset=text_csv")
    assert err.startswith("error: dataset.path is not set")
    assert code == 2
    assert shell(*SMOKE, "dataset=text_csv", "dataset.path=none.csv")[0] == 2
