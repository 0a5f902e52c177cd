"""How weights move: batches, rules, rates."""

from __future__ import annotations

from fractions import Fraction

from ..base import Change, Claimed, Lesson, Own, Predict, Read, Sheet

BATCHES = Lesson(
    "mini-batches", "Mini-batches",
    "One example, all, or some at a time: steps, noise, memory.", 50, (
        Read("Some at a time", (
            "The whole set gives the true gradient and one step an epoch. One example gives many "
            "steps, each off by the spread of single gradients. A mini-batch of b is off by that "
            "over the root of b. The set is shuffled before each epoch; the last mini-batch holds "
            "what is left.",),
            "steps = rows / batch, rounded up; off by deviation / sqrt(b)",
            "Goodfellow, Bengio and Courville 2016, section 8.1.3"),
        Sheet("mini-batches", "Steps, updates, and a last mini-batch that is not full.", level=2),
        Predict("Half the batch", "`batch` is halved.", "mini-batches",
                (Change("batch", times=Fraction(1, 2)),), "updates", (),
                "Twice the steps in the same epochs: more updates, each noisier.",
                shows=("rows", "epochs")),
        Sheet("gradient-spread", "The spread of single gradients."),
        Sheet("gradient-spread", "And of a mini-batch's.", level=2),
        Claimed("batch-sizes", "The whole batch is steady and slow, one example is noisy and loses "
                "vectorization; mini-batches are between, and soonest there.",
                "Unrest by step, and seconds."),
        Sheet("choosing-batch", "The largest power of two that fits; the whole set where it is "
              "small.", level=3),
        Claimed("batches-generalize", "Large batches generalize worse than small ones, unless the "
                "rate is tuned for them; and instead of letting the rate fall one may let the "
                "batch grow.", "Three parts, from two papers."),
        Own("Three batches", "Compare the scores, and the seconds.", "", (
            "evenly fit table.csv --target kind --batch 8 --out small.evenly",
            "evenly fit table.csv --target kind --batch 128 --out large.evenly",
            "evenly fit table.csv --target kind --batch all --out whole.evenly")),
    ))

RULES = Lesson(
    "descent-to-adam", "From descent to Adam",
    "Plain descent, its average, its size, and both together.", 75, (
        Read("Descent", (
            "Each weight moves against its gradient. The rate decides: too small and it crawls, "
            "too large and it leaps across the valley.",),
            "w = w - rate g", "Cauchy 1847"),
        Sheet("gradient-descent", "One step."),
        Predict("Twice the rate", "`learning_rate` is doubled.", "gradient-descent",
                (Change("learning_rate", times=2),), "w.value", (0,),
                "The step doubles, not the weight.", shows=("weights", "gradients")),
        Read("Momentum", (
            "A velocity gathers gradients: what points the same way adds up, what changes sign "
            "cancels. As an average, velocity = beta velocity + (1 - beta) g, it looks back over "
            "about 1 / (1 - beta) steps: ten for 0.9. It starts at 0, so the first averages are "
            "too small; dividing by 1 - beta^t corrects it.",),
            "velocity = beta velocity + g; w = w - rate velocity",
            "Polyak 1964; Sutskever et al. 2013"),
        Sheet("momentum", "Two steps."),
        Sheet("momentum", "As an average, with the correction.", level=3),
        Sheet("averaging-window", "beta as a number of values."),
        Predict("A longer memory", "`beta` becomes 9/10.", "averaging-window",
                (Change("beta", to=Fraction(9, 10)),), "window", (),
                "1 / (1 - beta): over about ten values."),
        Read("Size", (
            "RMSprop divides the gradient by the root of its mean square: each weight gets steps "
            "of about the rate, whatever the size of its gradients.",),
            "s = beta s + (1 - beta) g^2; w = w - rate g / (sqrt(s) + epsilon)",
            "Hinton 2012, lecture 6e"),
        Sheet("rmsprop", "One step."),
        Read("Both", (
            "Adam takes the average gradient over the root of the average square, both corrected "
            "for their start at zero.",),
            "w = w - rate m_hat / (sqrt(v_hat) + epsilon)", "Kingma and Ba 2015, algorithm 1"),
        Sheet("adam", "One step, number by number."),
        Sheet("adam-matrix", "Of a matrix, with epsilon 0."),
        Predict("Gradients ten times as large", "All of `gradients` are multiplied by 10.",
                "adam-matrix", (Change("gradients", times=10),), "w.value", (0, 0),
                "Nothing changes: the size of gradients cancels. The first step is the rate, with "
                "the gradient's sign.", shows=("weights", "learning_rate")),
        Claimed("optimizers", "Momentum, RMSprop and Adam train faster than plain gradient "
                "descent.", "Each rule with its own best rate, on standardized tables."),
        Claimed("optimizers-bowl", "In an elongated bowl momentum, RMSprop and Adam are faster "
                "than plain descent.", "The same rules where the cost is long and narrow."),
        Claimed("adam-generalizes", "Adam generalizes worse than momentum where only its rate is "
                "tuned, and not where epsilon is tuned as well.", "Two papers, one question."),
        Claimed("adam-generalizes-constructed", "There are data on which Adam never generalizes "
                "and momentum does, and Adam too once epsilon is tuned.", "Data made to prove it."),
        Own("Two rules", "On your table; then the steps of one written out.", """
import evenly as ev

net = ev.Sequential([ev.Dense(1)])
model = ev.init(net, input_shape=(2,), seed=0)
print(ev.show_work(model, [[1.0, 2.0]], [[1.0]], loss=ev.MeanSquaredError(),
                   optimizer=ev.Adam(0.1), phases=["update"]))
""", ("evenly fit table.csv --target kind --optimizer sgd --lr 0.1 --out sgd.evenly",
      "evenly fit table.csv --target kind --optimizer adam --out adam.evenly")),
    ),
    {"nesterov": "momentum that looks ahead", "adagrad": "RMSprop without forgetting",
     "adamw": "Adam with decay apart: see the lesson regularization",
     "adamax": "Adam with the largest recent gradient", "nadam": "Adam with Nesterov's look ahead",
     "adadelta": "RMSprop that finds its own rate",
     "radam": "Adam that waits until its root can be trusted"},
)

RATES = Lesson(
    "learning-rate-decay", "Learning-rate decay",
    "A rate that falls, rises first, or waits: why, and by which formulas.", 50, (
        Read("Why let it fall", (
            "With a constant rate mini-batches keep the weights wandering about the minimum, by "
            "about the rate. A rate that falls lets them settle. Too early, and they never get "
            "there.",),
            "1/t: rate / (1 + decay t); exponential: rate factor^t; steps: factor^floor(t / every)",
            "Robbins and Monro 1951"),
        Sheet("inverse-time-decay", "The one of course notes, epoch by epoch."),
        Sheet("exponential-decay", "A factor each time."),
        Predict("Twice the factor's power", "The epochs `t` are doubled.", "exponential-decay",
                (Change("t", times=2),), "factor", (2,), "factor^(2 t) is the square of factor^t.",
                shows=("factor",)),
        Sheet("step-decay", "A factor every so often: the staircase."),
        Claimed("rate-decay", "With a constant learning rate descent wanders about the minimum; "
                "with one that falls it settles.", "The wandering at the end."),
        Sheet("cosine", "Half a cosine, down to a floor."),
        Read("Rising first", (
            "At the beginning averages are young and gradients wild. Warm-up lets the rate rise "
            "along a line. One cycle rises and falls once, and moves the momentum the other way.",),
            "warm-up: start + (1 - start) t / length", "Goyal et al. 2017; Smith 2018"),
        Sheet("warmup", "A straight line up."),
        Sheet("one-cycle", "Up to the peak and down to next to nothing."),
        Sheet("plateau", "Or wait: the rate falls when the validation loss no longer does."),
        Claimed("rate-decay-better", "A learning rate that falls ends at a lower test loss than "
                "the best constant one.", "Does settling show in the test loss?"),
        Own("A schedule", "It is a word of the command, or a value in Python.", """
import numpy as np
import evenly as ev

schedule = ev.LinearWarmup(10, then=ev.CosineDecay())
print(schedule.factors(np.arange(0, 100, 10), 100).round(3))
""", ("evenly fit table.csv --target kind --schedule none --out constant.evenly",
      "evenly fit table.csv --target kind --schedule cosine --out cosine.evenly")),
    ),
    {"cosine-restarts": "the same half cosine, again and again"},
)

PATHS = (BATCHES, RULES, RATES)
