"""Studies that measure nothing but a formula: their records have all that a report can show."""

import math

from evenly.claims import Part, Picture, Study, less, more, same


def chain(case):
    """A chain of layers whose spread grows or fades, and what a training might measure."""
    rng = case.rng(f"chain {dict(case.levels)}")
    noise = rng.normal(scale=0.05, size=200)
    depth, gain = case["depth"], case["gain"]
    spread = [math.exp(layer * gain + noise[layer] * math.sqrt(layer)) for layer in range(1, depth)]
    pace = {"none": 0.05, "batch": 0.3, "layer": 0.22}[case["norm"]] * case["rate"] ** 0.2
    loss = [2.3 * math.exp(-pace * epoch) + 0.02 + abs(noise[epoch]) / 5 for epoch in range(20)]
    return {"spread": spread, "loss": loss, "accuracy": 0.97 - loss[-1] / 3 + noise[0] / 2,
            "seconds": [0.1 * depth * (epoch + 1) for epoch in range(20)], "final loss": loss[-1]}


NORMS = Study(
    name="norm-trains-faster",
    claim="Batch normalization trains faster, and forgives first weights that are a little off.",
    source="Ioffe and Szegedy 2015, sections 3.3 and 4.2",
    about="Chains of 5 to 40 layers. Each is run with three norms and rates from 0.01 to 1.",
    factors={"norm": ("none", "batch", "layer"), "depth": (5, 20, 40),
             "rate": (0.01, 0.1, 1.0), "gain": (-0.1, 0.0, 0.1)},
    technique=("norm",), measure=chain, blocks=8,
    parts=(
        less("final loss", {"norm": "batch"}, than={"norm": "none"}, ratio=True,
             words="final loss with batch norm, over that without"),
        more("accuracy", {"norm": "batch"}, than={"norm": "none"}, unit="points", factor=100,
             digits=1, every=("depth",), words="accuracy with batch norm, against none"),
        same("accuracy", {"gain": 0.1}, than={"gain": -0.1}, margin=0.01, unit="points",
             factor=100, digits=1),
        more("accuracy", {"norm": "layer"}, than={"norm": "batch"}, counts=False, unit="points",
             factor=100, digits=1),
    ),
    pictures=(
        Picture("Training loss", "loss", over="epoch", by="norm", log="y",
                about="Lower and earlier is better."),
        Picture("Spread of activations by layer", "spread", over="layer", by="gain",
                panels="depth", at={"norm": "none", "rate": 0.1}, log="y",
                about="A factor a little off identity explodes or fades with depth."),
        Picture("Accuracy over the rate", "accuracy", over="rate", by="norm", log="x"),
        Picture("Accuracy over norms", "accuracy", over="norm", by="rate", panels="gain"),
        Picture("Loss by second", "loss", over="second", by="depth", places="seconds",
                at={"norm": "batch"}),
    ),
    exercises=("batch-norm", "initialization"), layers=("BatchNorm", "LayerNorm"),
)


def gap(case):
    rng = case.rng(str(dict(case.levels)))
    rows = {"wine, 178 rows of thirteen chemical measurements": 2.0}.get(case["data"], 1.0)
    width = rows * (0.1 - 0.08 * case["dropout"]) + rng.normal(scale=0.01)
    return {"gap": width, "test": 0.9 - width / 4 + rng.normal(scale=0.02)}


GAPS = Study(
    name="dropout-gap", claim="Dropout narrows the gap between training and test.",
    source="Srivastava et al. 2014; typical rates 0.2 to 0.5",
    factors={"dropout": (0.0, 0.2, 0.5, 0.8),
             "data": ("digits", "wine, 178 rows of thirteen chemical measurements", "diabetes")},
    technique=("dropout",), measure=gap, blocks=10, test_ratio=0.3,
    parts=(
        less("gap", {"dropout": 0.5}, than={"dropout": 0.0}, unit="points", factor=100, digits=1,
             words="gap with dropout 0.5, against none"),
        less("test", {"dropout": 0.5}, than={"dropout": 0.0}, unit="points", factor=100, digits=1,
             words="test accuracy with dropout 0.5, against none"),
    ),
    says={"cannot tell": "The gap may be narrower, or may not."},
    pictures=(
        Picture("Gap by data", "gap", over="data", by="dropout", unit="accuracy"),
        Picture("Gap over the rate of dropout", "gap", over="dropout"),
    ),
    exercises=("dropout",), layers=("Dropout",),
)


def worse(case):
    return {"loss": case.rng(str(case["momentum"])).normal(scale=0.1) + case["momentum"]}


WORSE = Study(
    name="momentum-helps", claim="Momentum makes descent faster.", source="course notes",
    factors={"momentum": (0.0, 0.9)}, technique=("momentum",), measure=worse,
    parts=(Part("loss with momentum, against none",
                lambda block: block("loss", momentum=0.9) - block("loss", momentum=0.0), "less"),),
)
