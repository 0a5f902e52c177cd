"""Regularization: dropout, penalties, stopping and mixing."""

from __future__ import annotations

from fractions import Fraction

from ..base import Change, Claimed, Lesson, Own, Predict, Read, Sheet

DROPOUT = Lesson(
    "dropout", "Dropout",
    "Units that are left out at random: the arithmetic, the scaling, and what it is good for.", 60,
    (
        Read("Leaving out", (
            "In each step of training every unit is dropped with probability p. No unit can rely "
            "on another. At test time all are there. So that the next layer sees the same mean, "
            "what is kept is divided by the keep probability, 1 - p, in training (inverted "
            "dropout). Some texts call the keep probability p: a sheet says which it follows.",),
            "y = x mask / (1 - p)", "Srivastava et al. 2014, sections 4 and 10"),
        Sheet("dropout-expectation", "How many units are kept on average, and the mean of each."),
        Predict("Fewer dropped", "`p` becomes 1/4.", "dropout-expectation",
                (Change("p", to=Fraction(1, 4)),), "kept", (), "n (1 - p): on average; a single "
                "mask may keep more or less.", shows=("units",)),
        Sheet("dropout-expectation", "With the scaling: the mean stays.", level=2),
        Sheet("dropout", "A network with two dropouts; each mask is also a diagonal matrix."),
        Sheet("dropout", "Backward goes through the same masks; inference has none.", level=3),
        Sheet("dropout", "The same, by the convention that names the probability of keeping.",
              convention="keep"),
        Sheet("dropout-classic", "Nothing is scaled in training; inference multiplies by the keep "
              "probability. Both at once would cancel."),
        Claimed("dropout-scaling", "With classic and with inverted scaling the mean input of the "
                "next layer is the same in training and at test.", "A mean, not a variance."),
        Claimed("dropout-gap", "Dropout narrows the gap between training and test.",
                "Narrower is not yet better: look at the test score too."),
        Claimed("dropout-rates", "Good dropout rates are 0.2 to 0.5.", "Where is it too much?"),
        Claimed("dropout-little-data", "The less data there is, the more dropout helps.",
                "A tenth of the rows against all."),
        Own("Three rates", "The same seeds and rows.", "", (
            "evenly fit table.csv --target kind --dropout 0 --out none.evenly",
            "evenly fit table.csv --target kind --dropout 0.2 --out some.evenly",
            "evenly fit table.csv --target kind --dropout 0.5 --out half.evenly")),
    ))

DECAY = Lesson(
    "regularization", "Regularization: L2 and decay",
    "Small weights: by the cost, by the step, by a limit; and where these differ.", 60, (
        Read("Large weights cost", (
            "L2 adds the squares of the weights to the cost, and so strength times the weight to "
            "its gradient. Course notes write lambda / (2 m): it is a convention, and with "
            "strength = lambda / m it is the same. Biases, gammas and betas are left alone.",),
            "cost = loss + strength / 2 sum of w^2, gradient + strength w",
            "Goodfellow, Bengio and Courville 2016, section 7.1.1"),
        Sheet("l2", "The penalty, its gradient, both together."),
        Predict("Twice the weights", "All of `kernel` is doubled.", "l2",
                (Change("kernel", times=2),), "dense_1.kernel.penalty", (),
                "A square: four times the cost. The gradient only doubles.", shows=("strength",)),
        Sheet("l2", "From the data: outputs, loss, gradient, update.", level=3),
        Sheet("l2-conventions", "lambda / (2 m), and what it is here."),
        Claimed("l2-gap", "L2 makes the weights smaller and the gap between training and test "
                "narrower.", "Size and gap are parts of their own."),
        Read("Decay apart from the gradient", (
            "With plain descent L2 and shrinking each weight in each step are the same. With Adam "
            "they are not: it divides the penalty's gradient by its own size. Decoupled decay "
            "shrinks the weights apart from the step.",),
            "w = w (1 - rate decay), then the step", "Loshchilov and Hutter 2019, section 2"),
        Sheet("weight-decay", "One step of descent with decay."),
        Sheet("weight-decay", "AdamW against Adam with L2.", level=3),
        Claimed("decoupled-decay", "With Adam, decoupled weight decay is better than L2 in the "
                "cost.", "Each kind at its own best strength."),
        Sheet("l1", "By size instead of square: small weights feel it as much as large ones."),
        Sheet("max-norm", "A limit instead of a cost: longer weights are cut after the update."),
        Own("With and without", "The size of the weights in a network that has too many.", """
import numpy as np
import evenly as ev

x = np.random.default_rng(0).standard_normal((60, 20))
y = (x[:, 0] > 0).astype(int)
for penalty in (None, ev.L2(0.1)):
    net = ev.Sequential([ev.Dense(32), ev.ReLU(), ev.Dense(2)])
    model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(1e-2), epochs=20,
                   penalty=penalty)
    print(penalty, np.abs(model.weights["dense_1.kernel"]).mean())
""", ("evenly fit table.csv --target kind --l2 0.001 --out l2.evenly",)),
    ),
    {"elastic-net": "L1 and L2 added", "unit-norm": "max-norm with every length at the limit"},
)

MIXING = Lesson(
    "stopping-mixing", "Stopping, mixing, smoothing",
    "What regularizes without touching a weight: when to end, and softer data.", 45, (
        Read("Early stopping", (
            "Training ends when so many epochs in a row brought no better validation loss, and "
            "the best epoch's weights come back. The fewer steps, the less far weights go: it "
            "acts like L2.",),
            "stop after `patience` epochs without improvement", "Prechelt 1998"),
        Sheet("early-stopping", "When does it end, and whose weights come back?"),
        Predict("Less patience", "`patience` is 1 less.", "early-stopping",
                (Change("patience", plus=-1),), "end", (), "Less patience saves epochs, and may "
                "miss what comes behind a bump.", shows=("losses",)),
        Sheet("weight-averaging", "Not the last weights, but the mean of several steps."),
        Sheet("batch-ensemble", "Not one network, but the mean of several that share a kernel.",
              level=2),
        Read("Softer data", (
            "Mixup trains on means of two examples and of their targets. Label smoothing takes a "
            "little from the right class and gives it to all: the loss then asks for finite "
            "scores. Noise on the inputs is a third way.",),
            "mix x_i + (1 - mix) x_j; (1 - e) y + e / classes",
            "Zhang et al. 2018; Szegedy et al. 2016, section 7"),
        Sheet("mixup", "Mixed examples and targets.", level=2),
        Sheet("label-smoothing", "Smoothed targets and the gradient.", level=2),
        Predict("No smoothing", "`smoothing` becomes 0.", "label-smoothing",
                (Change("smoothing", to=0),), "smoothed", (0, 0), "Then the targets are as they "
                "were: 0 and 1.", shows=("y",)),
        Claimed("other-regularizers", "L1, max-norm, early stopping, mixup and label smoothing "
                "narrow the gap between training and test.", "Each by itself, against none."),
        Claimed("cocktail", "On small tables a plain network with a tuned cocktail of regularizers "
                "beats tuned dropout alone, and boosted trees.", "A random search for each side."),
        Own("All of them at once", "Noise, mixing, smoothing, and an end.", """
import numpy as np
import evenly as ev

x = np.random.default_rng(0).standard_normal((120, 6))
y = (x[:, 0] > 0).astype(int)
net = ev.Sequential([ev.GaussianNoise(0.1), ev.Dense(16), ev.ReLU(), ev.Dense(2)])
model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(label_smoothing=0.1), epochs=30,
               optimizer=ev.Adam(1e-2), validation=0.2, augment=ev.Mixup(0.2),
               early_stopping=ev.EarlyStopping(patience=3))
print(len(model.history))
"""),
    ),
    {"cutmix": "mixup with whole columns of another example",
     "lookahead": "a slow weight that the optimizer goes on from",
     "snapshots": "answers averaged, of one training's cycles"},
)

PATHS = (DROPOUT, DECAY, MIXING)
