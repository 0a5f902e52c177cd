"""The cocktail of regularizers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import evenly as ev

from ..data import Data, split
from ..parts import Block, Part, more
from ..pictures import Picture
from ..study import Case, Study
from ..training import epochs_for, guessed, train

WIDTH, BLOCKS = 64, 2
# How many settings each kind may try, in the tour's form and in the long one.
TRIALS = {False: 3, True: 10}
STEPS = {False: 200, True: 600}
Setting = dict[str, Any]


def drawn(kind: str, rng: np.random.Generator) -> Setting:
    """One setting of a kind: a learning rate for all, a rate of dropout for "dropout"; in the
    cocktail each regularizer is switched on with even odds, at a strength that is drawn too."""
    setting: Setting = {"rate": float(np.exp(rng.uniform(np.log(5e-4), np.log(8e-3))))}
    extras: Setting = {
        "dropout": float(rng.uniform(0.1, 0.7)), "norm": True, "residual": True,
        "depth": float(rng.uniform(0.1, 0.5)), "mixup": float(rng.uniform(0.1, 1.0)),
        "noise": float(rng.uniform(0.05, 0.5)),
        "decay": float(np.exp(rng.uniform(np.log(0.03), np.log(10.0)))),
    }
    is_on = dict(zip(extras, rng.random(len(extras)) < 0.5, strict=True))
    if kind == "dropout":
        is_on = {name: name == "dropout" for name in extras}
    if kind in ("dropout", "cocktail"):
        setting |= {name: value for name, value in extras.items() if is_on[name]}
    return setting


def network(setting: Setting, outputs: int) -> Any:
    """A dense network with what a setting switches on. Stochastic depth needs residual blocks."""
    def block() -> list[Any]:
        layers: list[Any] = [ev.Dense(WIDTH)]
        if "norm" in setting:
            layers.append(ev.BatchNorm())
        layers.append(ev.ReLU())
        if "dropout" in setting:
            layers.append(ev.Dropout(setting["dropout"]))
        return layers

    layers: list[Any] = [ev.GaussianNoise(setting["noise"])] if "noise" in setting else []
    layers += block()
    for _ in range(BLOCKS):
        if "residual" in setting:
            depth = [ev.StochasticDepth(setting["depth"])] if "depth" in setting else []
            layers.append(ev.Residual([*block(), *depth]))
        else:
            layers += block()
    return ev.Sequential([*layers, ev.Dense(outputs)])


def net_result(case: Case, data: Data, setting: Setting) -> tuple[float, float]:
    """Test loss and test score of a network with a setting."""
    done = train(
        case, network(setting, data.classes), data, epochs=epochs_for(STEPS[case.long], data),
        optimizer=ev.AdamW(setting["rate"], weight_decay=setting.get("decay", 0.0)),
        schedule=ev.CosineDecay(),
        augment=ev.Mixup(setting["mixup"]) if "mixup" in setting else None,
    )
    return done.test_loss, done.test


def trees(kind: str, rng: np.random.Generator) -> Setting:
    """One setting of gradient boosting."""
    return {
        "learning_rate": float(np.exp(rng.uniform(np.log(0.02), np.log(0.3)))),
        "n_estimators": int(rng.integers(20, 60)), "max_depth": int(rng.integers(1, 5)),
        "subsample": float(rng.uniform(0.5, 1.0)), "max_features": float(rng.uniform(0.2, 1.0)),
    }


def trees_result(case: Case, data: Data, setting: Setting) -> tuple[float, float]:
    """Test loss and test score of boosted trees with a setting."""
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    is_number = data.classes == 1
    kind = GradientBoostingRegressor if is_number else GradientBoostingClassifier
    model = kind(**setting, random_state=case.seed % 2**32)
    model.fit(data.x, data.y)
    score = float(model.score(data.x_test, data.y_test))
    if is_number:
        return float(np.mean((model.predict(data.x_test) - data.y_test) ** 2)), score
    # A class that the training part lacks has no column, and no chance.
    told = np.zeros((len(data.x_test), data.classes))
    told[:, model.classes_] = model.predict_proba(data.x_test)
    right = told[np.arange(len(told)), data.y_test]
    return float(-np.log(np.maximum(right, 1e-7)).mean()), score


def measure(case: Case) -> dict[str, Any]:
    """Tries settings on a validation part, trains the best on all of the training part, tests."""
    data = split(case["data"], case)
    draw, result = (trees, trees_result) if case["kind"] == "boosting" else (drawn, net_result)
    rng = case.rng(case["kind"])
    settings = [draw(case["kind"], rng) for _ in range(TRIALS[case.long])]
    part = data.validation()
    losses = [result(case, part, setting)[0] for setting in settings]
    best = settings[int(np.argmin(losses))]
    loss, score = result(case, data, best)
    return {"test score": score, "log test loss": math.log(max(loss, 1e-3)),
            "test loss": loss / guessed(data)[1], "switched on": len(best) - 1}


def against(other: str, name: str) -> Part:
    """The cocktail's test loss against another's. 5 % of the loss are the least worth a search."""
    def effect(block: Block) -> float:
        return float(block("log test loss", kind="cocktail") - block("log test loss", kind=other))

    return Part(f"test loss, cocktail against {other}", effect, "less", least=0.05, ratio=True,
                name=name)


STUDY = Study(
    name="cocktail",
    claim="On small tables a plain network with a tuned cocktail of regularizers beats tuned "
    "dropout alone, and boosted trees.",
    source="Kadra, Lindauer, Hutter and Grabocka 2021, \"Well-tuned simple nets excel on tabular "
    "datasets\"",
    factors={"data": ("cancer", "wine"), "kind": ("plain", "dropout", "cocktail", "boosting")},
    long_factors={"data": ("cancer", "wine", "diabetes")},
    technique=("kind",),
    measure=measure,
    blocks=6,
    long_blocks=12,
    test_ratio=1 / 3,
    parts=(
        against("plain", "plain"), against("dropout", "dropout"), against("boosting", "boosting"),
        more("test score", {"kind": "cocktail"}, than={"kind": "dropout"}, unit="points",
             factor=100, digits=1, counts=False, words="test score, cocktail against dropout"),
        more("test score", {"kind": "cocktail"}, than={"kind": "boosting"}, unit="points",
             factor=100, digits=1, counts=False, words="test score, cocktail against boosting"),
    ),
    about="Three hidden layers of 64 ReLU units trained by AdamW along half a cosine. The cocktail "
    "is a random search over batch norm, skip connections, stochastic depth, dropout, mixup, noise "
    "on the inputs and weight decay, each on or off, and the learning rate; it scales down the "
    "paper's thirteen. The plain network searches the learning rate alone, dropout its rate too, "
    "gradient boosting (scikit-learn's) five settings of its own. All try 10 settings (3 in the "
    "short form) on a quarter of the training part; the best is trained on all of it and tested.",
    says={
        "holds": "The cocktail's test loss is {plain} the plain network's, {dropout} that of "
        "dropout alone and {boosting} that of boosting.",
        "fails": "The cocktail's test loss is {plain} the plain network's, {dropout} that of "
        "dropout alone and {boosting} that of boosting: it does not beat them all.",
        "cannot tell": "The cocktail's test loss is {plain} the plain network's, {dropout} that of "
        "dropout alone and {boosting} that of boosting: it does not surely beat them all.",
    },
    pictures=(
        Picture("Test loss", "test loss", over="data", by="kind", unit="share of a guess's loss"),
        Picture("Test score", "test score", over="data", by="kind"),
    ),
    exercises=("dropout", "batch-norm", "adamw", "mixup"),
    layers=("Dropout", "BatchNorm", "Residual", "StochasticDepth", "Mixup", "GaussianNoise",
            "AdamW"),
)
