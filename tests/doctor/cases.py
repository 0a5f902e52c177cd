"""Records made by hand: a healthy training, and what each finding changes of it."""

from dataclasses import replace

from evenly.records import (
    Checks,
    ColumnSummary,
    DataSummary,
    EpochSummary,
    LayerInfo,
    LayerProbe,
    LossInfo,
    NetworkInfo,
    OptimizerInfo,
    Probe,
    TargetSummary,
    TrainingRecord,
)

EPOCHS, STEPS = 20, 20


def column(index, mean=0.0, deviation=1.0, distinct=500):
    quarter = 0.6745 * deviation
    return ColumnSummary(index, mean, deviation, mean - 3 * deviation, mean + 3 * deviation,
                         (mean - quarter, mean, mean + quarter), distinct)


def columns(mean=0.0, deviation=1.0, distinct=500, count=8):
    return tuple(column(i, mean, deviation, distinct) for i in range(count))


CLASSES = TargetSummary("classes", 3, (0.3, 0.4, 0.3), 1.0, 0.8, 0.0, 2.0, 3, True, False)
NUMBERS = TargetSummary("numbers", 1, (), 0.0, 1.0, -3.0, 3.0, 400, False, False)
DATA = DataSummary(400, columns(), 8, CLASSES, neighbour_score=0.9, linear_score=0.85,
                   constant_score=0.4, constant_loss=1.09)


def network(*layers, outputs=None, shape=(8,)):
    """Layers given as (name, kind, units, more), one behind the other."""
    infos, before, width = [], "data", shape[-1]
    for name, kind, units, *more in layers:
        settings = more[0] if more else {}
        weighted = kind in ("dense", "conv", "rnn", "lstm", "gru")
        out = units or width
        infos.append(LayerInfo(name, kind, (before,), (out,), width if weighted else None,
                               out if weighted else None, weighted, settings))
        before, width = name, out
    return NetworkInfo(tuple(infos), shape, 1000, outputs or (before,))


MLP = network(("dense_1", "dense", 32), ("relu_1", "relu", None), ("dense_2", "dense", 32),
              ("relu_2", "relu", None), ("dense_3", "dense", 3))


def epoch(number, loss, validation, score, held, **more):
    given = {
        "epoch": number, "steps": STEPS, "loss": loss, "score": score, "train_loss": 0.98 * loss,
        "train_score": score, "validation_loss": validation, "validation_score": held,
        "step_losses": (loss * 1.02, loss), "gradient_norm": 1.0, "largest_gradient_norm": 2.0,
        "clipped_share": 0.0, "penalty": 0.0, "learning_rate": 1e-3, "answers": (0.3, 0.4, 0.3),
    }
    return EpochSummary(**{**given, **more})


def epochs(losses=None, validation=None, scores=None, held=None, **more):
    losses = losses or [0.25 + 0.8 * 0.7**i for i in range(EPOCHS)]
    validation = validation or [0.03 + loss for loss in losses]
    scores = scores or [0.95 - 0.4 * 0.7**i for i in range(len(losses))]
    held = held or [score - 0.02 for score in scores]
    return tuple(epoch(i + 1, *numbers, **more)
                 for i, numbers in enumerate(zip(losses, validation, scores, held, strict=True)))


def stuck(loss=1.09, score=0.4, **more):
    """Epochs in which nothing was learned."""
    return epochs([loss + 0.001 * (-1) ** i for i in range(EPOCHS)], scores=[score] * EPOCHS,
                  held=[score] * EPOCHS, **more)


def layer(**more):
    given = {
        "mean": 0.1, "deviation": 1.0, "largest": 4.0, "unit_deviation": 0.9, "zero_share": 0.0,
        "saturated_share": None, "dead_share": None, "constant_share": 0.0, "rank": 0.7,
        "not_finite": 0,
        "output_gradient": 0.1, "gradient_norm": 0.5, "gradient_rms": 0.01, "weight_norm": 8.0,
        "weight_rms": 0.4, "weight_mean": 0.0, "update_ratio": 5e-3, "twin_share": 0.0,
    }
    return LayerProbe(**{**given, **more})


def activation(**more):
    given = {"mean": 0.4, "deviation": 0.6, "zero_share": 0.5, "dead_share": 0.02,
             "weight_norm": None, "weight_rms": None, "weight_mean": None, "update_ratio": None,
             "twin_share": None, "gradient_norm": None, "gradient_rms": None}
    return layer(**{**given, **more})


def probes(changed=None, shapes=None, count=10, loss=None):
    """Looks at all layers; `changed`: what differs, by layer's name."""
    changed = changed or {}
    found = []
    for i in range(count):
        step = i * EPOCHS * STEPS // count
        layers = {}
        for name, kind in (shapes or {la.name: la.kind for la in MLP.layers}).items():
            base = layer if kind in ("dense", "conv", "rnn", "lstm", "gru") else activation
            more = changed.get(name, {})
            layers[name] = base(**(more(i) if callable(more) else more))
        now = 1.09 * 0.85**i if loss is None else loss
        found.append(Probe(step, 1 + step // STEPS, now, 1.0, 1e-3, 32, layers))
    return tuple(found)


def record(**more):
    """A healthy training, with changes."""
    given = {
        "source": "evenly", "network": MLP, "loss": LossInfo("softmax_cross_entropy"),
        "optimizer": OptimizerInfo("adam", 1e-3), "batch": 20, "data": DATA,
        "validation": replace(DATA, rows=100), "shared_rows": 0.0, "probes": probes(),
        "epochs": epochs(),
        "stopped": "epochs",
        "checks": Checks(first_loss=1.2, memorized_loss=0.01, memorized_score=1.0,
                      memorized_best=0.01, memorized_steps=200, blind_loss=1.1, seeing_loss=0.6,
                      coupling=0.0, descent=0.98),
    }
    return TrainingRecord(**{**given, **more})


def regression(**more):
    """A healthy training on numbers."""
    net = network(("dense_1", "dense", 32), ("relu_1", "relu", None), ("dense_2", "dense", 1))
    given = {
        "network": net, "loss": LossInfo("squared_error"),
        "data": replace(DATA, targets=NUMBERS, constant_score=0.0, constant_loss=1.0),
        "validation": replace(DATA, rows=100, targets=NUMBERS),
        "probes": probes(shapes={la.name: la.kind for la in net.layers}),
        "epochs": epochs(answers=()),
    }
    return record(**{**given, **more})
