"""A record for each kind of finding, and twins that look alike and are healthy."""

from dataclasses import replace

from evenly.records import Checks, LossInfo, OptimizerInfo

from .cases import (
    CLASSES,
    DATA,
    EPOCHS,
    NUMBERS,
    columns,
    epochs,
    network,
    probes,
    record,
    regression,
    stuck,
)

WEIGHTED = ("dense_1", "dense_2", "dense_3")
POOR = [0.9 - 0.15 * (1 - 0.8**i) for i in range(EPOCHS)], [0.45 + 0.1 * (1 - 0.8**i)
                                                             for i in range(EPOCHS)]


def poor(**more):
    """Epochs that come to rest far from what can be had."""
    return epochs(POOR[0], scores=POOR[1], **more)


def all_layers(**more):
    return probes(dict.fromkeys(WEIGHTED, more))


def deep(kind):
    shapes = [(f"dense_{i}", "dense", 16) for i in range(1, 8)]
    layers = []
    for name, _, units in shapes:
        layers += [(name, "dense", units), (name.replace("dense", kind), kind, None)]
    return network(*layers, ("dense_8", "dense", 3))


def deep_probes(kind, ratio, **more):
    net = deep(kind)
    shapes = {la.name: la.kind for la in net.layers}
    changed = {name: more for name in shapes if name.startswith(kind)}
    for i in range(1, 9):
        changed[f"dense_{i}"] = {"output_gradient": 0.1 * ratio ** (8 - i), "weight_rms": 0.25}
    return {"network": net, "probes": probes(changed, shapes)}


DROPPING = network(("dense_1", "dense", 32), ("relu_1", "relu", None),
                   ("dropout_1", "dropout", None, {"rate": 0.9}), ("dense_2", "dense", 3))
NORMED = network(("dense_1", "dense", 32), ("batch_norm_1", "batch_norm", None, {"decay": 0.999}),
                 ("relu_1", "relu", None), ("dense_2", "dense", 3))
LINEAR = network(("dense_1", "dense", 32), ("dense_2", "dense", 32), ("dense_3", "dense", 3))
SMALL = network(("dense_1", "dense", 2), ("relu_1", "relu", None), ("dense_2", "dense", 3))
ENDS = {kind: network(("dense_1", "dense", 32), ("relu_1", "relu", None), ("dense_2", "dense", 3),
                      (f"{kind}_1", kind, None)) for kind in ("softmax", "sigmoid", "relu", "tanh")}
ONE_OUTPUT = network(("dense_1", "dense", 32), ("relu_1", "relu", None), ("dense_2", "dense", 1))
RARE = replace(CLASSES, shares=(0.9, 0.07, 0.03))
CLIPPED = OptimizerInfo("sgd", 0.01, clip="global_norm", clip_limit=0.01)
PENALIZED = OptimizerInfo("adam", 1e-3, penalty="l2", penalty_strength=1.0)
UP_AND_DOWN = [0.5 + 0.3 * (i % 2) for i in range(EPOCHS)]
OVERFIT = [0.6 + 0.06 * abs(i - 5) for i in range(EPOCHS)]


def _dies(i):
    return {"dead_share": min(1.0, 0.3 * i), "zero_share": min(1.0, 0.5 + 0.2 * i)}


SICK = {
    "vanishing_gradient": [
        record(**deep_probes("sigmoid", 0.2, saturated_share=0.0), epochs=stuck())],
    "exploding_gradient": [record(**deep_probes("tanh", 4.0, saturated_share=0.05), epochs=poor())],
    "dead_relu": [record(probes=probes({"relu_2": _dies}), epochs=poor()),
                  record(probes=probes({"relu_1": {"dead_share": 1.0}}), epochs=stuck())],
    "saturation": [
        record(**deep_probes("tanh", 0.8, saturated_share=0.9), epochs=poor())],
    "bad_init_scale": [
        record(probes=probes({name: {"weight_rms": 1e-3, "unit_deviation": 1e-5}
                              for name in WEIGHTED}), epochs=stuck()),
        record(probes=probes({name: {"weight_rms": 5.0, "unit_deviation": 300.0}
                              for name in WEIGHTED}), epochs=poor(), checks=Checks(first_loss=90)),
    ],
    "symmetric_init": [record(probes=all_layers(twin_share=1.0), epochs=poor())],
    "rate_too_high": [
        record(probes=all_layers(update_ratio=0.8), epochs=stuck(loss=1.5)),
        record(probes=all_layers(update_ratio=0.8), failed_at=(40, "dense_2"), stopped="diverged",
               epochs=epochs()[:1]),
    ],
    "rate_too_low": [record(probes=all_layers(update_ratio=1e-5),
                            epochs=epochs([1.08 - 0.001 * i for i in range(EPOCHS)],
                                          scores=[0.41] * EPOCHS))],
    "oscillation": [record(epochs=epochs(UP_AND_DOWN, scores=[0.86] * EPOCHS))],
    "divergence": [record(failed_at=(7, "dense_3"), stopped="diverged", epochs=())],
    "not_learning": [record(epochs=stuck())],
    "cannot_memorize": [record(epochs=(), probes=probes(count=1), stopped="",
                               checks=Checks(memorized_loss=1.0, memorized_best=1.0,
                                             memorized_score=0.4, memorized_steps=200))],
    "undertrained": [record(epochs=epochs([1.05 - 0.02 * i for i in range(EPOCHS)],
                                          scores=[0.5 + 0.02 * i for i in range(EPOCHS)]))],
    "overfitting": [
        record(epochs=epochs([0.8 * 0.7**i for i in range(EPOCHS)], OVERFIT)),
        record(epochs=epochs(scores=[1.0] * EPOCHS, held=[0.6] * EPOCHS)),
    ],
    "underfitting_capacity": [
        record(network=SMALL, epochs=poor(),
               probes=probes(shapes={la.name: la.kind for la in SMALL.layers}))],
    "over_regularized": [
        record(optimizer=PENALIZED, epochs=stuck(penalty=3.0)),
        record(optimizer=OptimizerInfo("adamw", 1e-3, {"weight_decay": 30.0}), epochs=stuck(),
               probes=probes({n: lambda i: {"weight_norm": 8.0 * 0.4**i} for n in WEIGHTED})),
    ],
    "inputs_not_scaled": [
        record(data=replace(DATA, columns=columns(0.0, 200.0)), epochs=poor()),
        record(data=replace(DATA, columns=columns(2000.0, 5.0)), epochs=stuck()),
        record(data=replace(DATA, columns=columns(0.0, 200.0)), epochs=(), probes=(), stopped=""),
    ],
    "inputs_scaled_twice": [record(data=replace(DATA, columns=columns(0.0, 0.004)),
                                   epochs=stuck())],
    "inputs_constant": [record(data=replace(DATA, columns=columns(0.5, 0.0, 1)), epochs=stuck())],
    "targets_not_scaled": [
        regression(data=replace(DATA, targets=replace(NUMBERS, mean=5e3, deviation=1e3),
                                constant_score=0.0, constant_loss=1e6),
                   epochs=epochs([1e7 - 1e4 * i for i in range(EPOCHS)],
                                 scores=[-9.0] * EPOCHS))],
    "train_test_mismatch": [
        record(validation=replace(DATA, rows=100, columns=columns(0.5, 0.004)),
               epochs=epochs(held=[0.5] * EPOCHS))],
    "class_imbalance": [record(data=replace(DATA, targets=RARE, rows=1000, constant_score=0.9,
                                            neighbour_score=0.92, linear_score=0.92),
                               epochs=epochs(scores=[0.9] * EPOCHS, answers=(1.0, 0.0, 0.0)))],
    "labels_corrupted": [
        record(data=replace(DATA, neighbour_score=0.36, linear_score=0.39),
               epochs=epochs(held=[0.37] * EPOCHS)),
        record(data=replace(DATA, targets=replace(CLASSES, distinct=1, shares=(0.0, 1.0)))),
        record(data=replace(DATA, equal_rows=0.6, contradictions=0.5)),
    ],
    "labels_wrong_range": [
        record(loss=LossInfo("binary_cross_entropy"), network=ONE_OUTPUT,
               data=replace(DATA, targets=replace(NUMBERS, smallest=-1, largest=1, distinct=2,
                                                  whole=True))),
        record(data=replace(DATA, targets=replace(CLASSES, largest=3.0, outputs=4))),
    ],
    "output_activation_wrong": [
        record(network=ENDS["softmax"]), record(network=ENDS["sigmoid"]),
        record(network=ENDS["relu"]), record(network=ONE_OUTPUT),
        regression(network=ENDS["sigmoid"]), regression(network=ENDS["relu"]),
        regression(network=network(("dense_1", "dense", 1), ("softmax_1", "softmax", None))),
        record(loss=LossInfo("cross_entropy_of_probabilities")),
    ],
    "loss_wrong": [
        record(loss=LossInfo("squared_error"),
               data=replace(DATA, targets=replace(CLASSES, kind="numbers", one_hot=True))),
        record(loss=LossInfo("absolute_error")),
        record(data=replace(DATA, targets=replace(CLASSES, distinct=300, outputs=400))),
    ],
    "missing_activations": [
        record(network=LINEAR, probes=probes(shapes={la.name: la.kind for la in LINEAR.layers}),
               data=replace(DATA, linear_score=0.6),
               epochs=epochs(scores=[0.6] * EPOCHS))],
    "batch_norm_mismatch": [
        record(network=NORMED, epochs=epochs(train_loss=2.0),
               probes=probes({"batch_norm_1": {"variance_gap": 2.0, "mean_gap": 1.0}},
                             {la.name: la.kind for la in NORMED.layers}))],
    "batch_too_small": [
        record(network=NORMED, rows_of_batch_norm={"batch_norm_1": 2}, batch=2, epochs=poor())],
    "dropout_too_strong": [record(network=DROPPING, epochs=poor())],
    "clipping_always": [
        record(optimizer=CLIPPED, epochs=poor(clipped_share=1.0, gradient_norm=3.0))],
    "gradient_sign": [
        record(checks=Checks(descent=-1.0), epochs=(), probes=(), stopped=""),
        record(checks=None, epochs=epochs([1.1 + 0.2 * i for i in range(EPOCHS)],
                                          scores=[0.3] * EPOCHS, step_losses=())),
    ],
    "rows_coupled": [record(checks=Checks(coupling=0.3))],
    "validation_leaks": [record(shared_rows=0.8)],
}

HEALTHY = {
    "plain": record(),
    "regression": regression(),
    "before training": record(epochs=(), probes=probes(count=1), stopped=""),
    "an early look": record(epochs=epochs()[:2], probes=probes(count=2), stopped=""),
    "sparse but live ReLU": record(probes=probes({"relu_1": {"zero_share": 0.95,
                                                             "dead_share": 0.2}})),
    "many dead units that nobody misses": record(probes=probes({"relu_1": {"dead_share": 0.7}})),
    "small gradients in front, learned well": record(
        **deep_probes("sigmoid", 0.2, saturated_share=0.1)),
    "outliers": record(data=replace(DATA, columns=tuple(
        replace(c, largest=500.0, deviation=6.0) for c in columns()))),
    "pixels, learned well": record(data=replace(DATA, columns=columns(4.9, 6.0, 17)),
                                   validation=replace(DATA, columns=columns(4.8, 5.9, 17))),
    "another distribution that is answered as well": record(
        validation=replace(DATA, rows=100, columns=columns(2.0, 3.0))),
    "inputs not scaled, normalized first": record(
        network=network(("batch_norm_1", "batch_norm", None), ("dense_1", "dense", 32),
                        ("relu_1", "relu", None), ("dense_2", "dense", 3)),
        data=replace(DATA, columns=columns(300.0, 200.0)),
        validation=replace(DATA, columns=columns(310.0, 190.0))),
    "a loss that swings and decays": record(epochs=epochs(
        [0.25 + (0.8 + 0.3 * (-1) ** i) * 0.7**i for i in range(EPOCHS)])),
    "a small validation set": record(
        validation=replace(DATA, rows=20),
        epochs=epochs(validation=[0.3 + 0.05 * ((i * 7) % 5) for i in range(EPOCHS)])),
    "long steps that work": record(probes=all_layers(update_ratio=0.2)),
    "always clipped, with Adam": record(
        optimizer=replace(CLIPPED, kind="adam"), epochs=epochs(clipped_share=1.0,
                                                               gradient_norm=3.0)),
    "noisy labels": record(
        data=replace(DATA, neighbour_score=0.55, linear_score=0.62),
        epochs=epochs([0.85 + 0.25 * 0.7**i for i in range(EPOCHS)],
                      scores=[0.68] * EPOCHS, held=[0.63] * EPOCHS)),
    "linear data": record(
        network=LINEAR, data=replace(DATA, linear_score=0.95, neighbour_score=0.9),
        probes=probes(shapes={la.name: la.kind for la in LINEAR.layers})),
    "perfect scores": record(
        data=replace(DATA, linear_score=1.0, neighbour_score=1.0),
        epochs=epochs([0.9 * 0.5**i for i in range(EPOCHS)], [0.9 * 0.5**i for i in range(EPOCHS)],
                      scores=[1.0] * EPOCHS, held=[1.0] * EPOCHS)),
    "rare classes that are found": record(
        data=replace(DATA, targets=RARE, constant_score=0.9, neighbour_score=0.93),
        epochs=epochs(scores=[0.997] * EPOCHS, held=[0.99] * EPOCHS, answers=(0.91, 0.06, 0.03))),
    "dropout that is worth it": record(
        network=DROPPING, epochs=epochs([0.9 * 0.7**i + 0.1 for i in range(EPOCHS)])),
    "batch norm with batches of 16": record(network=NORMED, batch=16,
                                            rows_of_batch_norm={"batch_norm_1": 16}),
    "equal rows in a table of few values": record(
        shared_rows=0.5, data=replace(DATA, equal_rows=0.45, columns=columns(distinct=3))),
    "a ReLU at the end, targets above 0": regression(
        network=ENDS["relu"],
        data=replace(DATA, targets=replace(NUMBERS, smallest=0.0, largest=4.0),
                     constant_score=0.0, constant_loss=1.0)),
    "numbers of two values": regression(),
    "stopped early, in time": record(
        stopped="early stopping", best_epoch=6,
        epochs=epochs([0.8 * 0.7**i for i in range(EPOCHS)], OVERFIT)),
    "a restful end": record(epochs=epochs([0.3] * EPOCHS)),
    "a plain record": record(network=None, loss=None, optimizer=None, data=None, validation=None,
                             shared_rows=None, checks=None, source="plain"),
}
