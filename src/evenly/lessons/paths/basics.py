"""What a network computes: layers, losses, activations."""

from __future__ import annotations

from fractions import Fraction

from ..base import Change, Lesson, Own, Predict, Read, Sheet

FIRST = Lesson(
    "first-network", "A layer, a network, a step",
    "From one linear layer to a whole step of training, forward, backward and update.", 60, (
        Read("A linear layer", (
            "Each output is a sum: every input times a weight, and a bias. All examples of a batch "
            "go through the same kernel, so a batch is one product of matrices.",),
            "y = x kernel + bias", "Goodfellow, Bengio and Courville 2016, section 6.1"),
        Sheet("linear", "Rows are examples, columns are units."),
        Predict("Twice the input", "All of `x` is doubled. The bias stays as it is.", "linear",
                (Change("x", times=2),), "dense_1.y", (0, 0),
                "The product doubles, the bias does not: only without a bias is the layer linear "
                "in the strict sense.", shows=("kernel", "bias")),
        Read("Backward", (
            "The loss says how it changes with each output, `d_y`. The layer hands that on: to its "
            "kernel, summed over the examples, and to the layer in front, through the same kernel "
            "transposed.",),
            "d_kernel = x' d_y, d_bias = sum of d_y, d_x = d_y kernel'",
            "Rumelhart, Hinton and Williams 1986"),
        Sheet("linear", "Which numbers meet in `d_kernel`, and which in `d_x`?", level=2),
        Sheet("squared-error", "The square's gradient has a factor 2; what it is divided by is a "
              "convention, and the sheet says which."),
        Sheet("linear-net", "Forward, backward, and a step after which the loss is lower.",
              level=3),
        Sheet("gradient-checking", "A gradient that a program computes is checked by moving one "
              "weight a little to both sides."),
        Predict("Half the epsilon", "`epsilon` is halved: how far is the difference off then?",
                "gradient-checking", (Change("epsilon", times=Fraction(1, 2)),), "off", (0,),
                "The difference to both sides is off by about epsilon squared: half the epsilon, a "
                "quarter of the error."),
        Own("Your network by hand", "A small network of yours, its gradients and one step, written "
            "out. A trained model and four of its rows work as well.", """
import evenly as ev

net = ev.Sequential([ev.Dense(2), ev.ReLU(), ev.Dense(1)])
model = ev.init(net, input_shape=(2,), seed=0)
work = ev.show_work(model, [[1.0, 2.0], [3.0, 1.0]], [[1.0], [0.0]], loss=ev.MeanSquaredError(),
                    optimizer=ev.SGD(0.1))
print(work)
"""),
    ))

LOSSES = Lesson(
    "losses", "Losses and softmax",
    "What is minimized, and why its gradient is so often prediction minus target.", 60, (
        Read("Softmax and cross-entropy", (
            "Softmax makes probabilities of scores: powers of e, divided by their sum. The loss is "
            "minus the logarithm of the right class's probability. Together they have a plain "
            "gradient.",),
            "y_hat = exp(z) / sum of exp(z), loss = -log y_hat of the right class, "
            "d_z = (y_hat - y) / batch",
            "Goodfellow, Bengio and Courville 2016, section 6.2.2.3"),
        Sheet("softmax-cross-entropy", "Compute the gradient from `y_hat` and the target alone."),
        Predict("Every score 2 higher", "2 is added to every score.", "softmax-cross-entropy",
                (Change("scores", plus=2),), "y_hat", (0, 0),
                "Only differences of scores count: the common factor exp(2) cancels. That is why "
                "the largest score may be subtracted first."),
        Sheet("binary-cross-entropy", "Yes or no for each output: a sigmoid in the place of the "
              "softmax, the same gradient p - t."),
        Read("Numbers as targets", (
            "The squared error asks for the mean, the absolute error for the median. The Huber "
            "loss squares small errors and takes the size of large ones, so that one target far "
            "out does not pull as hard.",),
            "squared: (y - t)^2; absolute: |y - t|; Huber: squares up to delta, then a line",
            "Huber 1964"),
        Sheet("huber", "Where is the gradient cut off?"),
        Predict("Twice the error", "All of `y` and `target` are doubled, and so is every error.",
                "squared-error", (Change("y", times=2), Change("target", times=2)), "loss", (),
                "A square: four times the loss. Targets in other units ask for other learning "
                "rates."),
        Sheet("large-weights", "With large weights a sigmoid says exactly 0, and the loss would "
              "be the logarithm of 0. Computed from the scores, it is finite.", level=3),
        Own("Scores, not probabilities", "The losses take scores and do the softmax themselves, in "
            "a way that no score can make infinite. What comes out is probabilities.", """
import numpy as np
import evenly as ev

x = np.random.default_rng(0).standard_normal((90, 3))
y = x.argmax(axis=1)
net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(3)])
model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(1e-2), epochs=5)
print(model.predict_proba(x[:2]).sum(axis=1))      # 1 and 1
"""),
    ),
    {"absolute-error": "the two ends of the Huber loss: it has sizes only",
     "softmax": "softmax by itself, with its backward: seldom needed apart from the loss"},
)

ACTIVATIONS = Lesson(
    "activations", "Activations and their slopes",
    "What bends a network, and what each bend does to the gradient that comes back.", 40, (
        Read("Why a bend", (
            "Without an activation two linear layers are one linear layer. Backward, each "
            "activation multiplies the gradient by its slope: where that is 0, nothing behind it "
            "teaches what is in front.",),
            "d_x = d_y times the slope at x", "Glorot, Bordes and Bengio 2011"),
        Sheet("relu", "Where was the input negative? There the gradient ends.", level=2),
        Predict("An input below 0", "The first number of `x` in the first row becomes -5.", "relu",
                (Change("x", to=-5, at=(0, 0)),), "relu_1.d_x", (0, 0),
                "Below 0 the slope of ReLU is 0, however large the gradient that arrives.",
                level=2, seed=3, shows=("d_y",)),
        Sheet("sigmoid", "The slope is y (1 - y): never above 1/4.", level=2),
        Predict("The steepest place", "The first number of `x` in the first row becomes 0.",
                "sigmoid", (Change("x", to=0, at=(0, 0)),), "sigmoid_1.slope", (0, 0),
                "At 0 a sigmoid is steepest, and its slope is 1/4 even there: ten such layers "
                "leave a millionth.", level=2, seed=2),
        Sheet("tanh", "Steeper than a sigmoid: its slope reaches 1.", level=2),
        Read("Gates", (
            "A gated unit multiplies one linear layer by a squashed other. The gate decides what "
            "passes, and the linear half keeps a path without a slope.",),
            "GLU: y = (x kernel + bias) sigmoid(s); SwiGLU: times s sigmoid(s)",
            "Dauphin et al. 2017; Shazeer 2020"),
        Sheet("glu", "Two kernels, one output."),
        Sheet("swiglu", "The same with a SiLU as the gate."),
        Own("Another activation", "The same network with four activations. Which learns in ten "
            "epochs?", """
import numpy as np
import evenly as ev

x = np.random.default_rng(0).standard_normal((200, 4))
y = (x[:, 0] * x[:, 1] > 0).astype(int)
for activation in (ev.ReLU(), ev.Sigmoid(), ev.Tanh(), ev.GELU()):
    net = ev.Sequential([ev.Dense(16), activation, ev.Dense(2)])
    model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(1e-2), epochs=10)
    print(type(activation).__name__, model.evaluate(x, y).loss)
"""),
    ),
    {"leaky-relu": "ReLU with a small slope below 0", "prelu": "the same, the slope is trained",
     "elu": "ReLU with a bend below 0", "selu": "ELU, scaled so that variance 1 stays",
     "gelu": "a smooth ReLU", "gelu-tanh": "GELU by another formula",
     "silu": "a smooth ReLU", "mish": "a smooth ReLU", "softplus": "a smooth ReLU",
     "softsign": "a tanh of fractions", "hard-sigmoid": "a sigmoid of straight pieces",
     "hard-swish": "a SiLU of straight pieces",
     "parametric": "as much of an activation as a trained share takes"},
)

PATHS = (FIRST, LOSSES, ACTIVATIONS)
