"""Images, and the judging of whole trainings."""

from __future__ import annotations

from fractions import Fraction

from ..base import Change, Claimed, Lesson, Own, Predict, Read, Sheet

CONVOLUTIONS = Lesson(
    "convolutions", "Convolutions and pooling",
    "The same small kernel everywhere, fewer numbers behind it, and how many.", 50, (
        Read("One kernel for all places", (
            "A convolution is a linear layer of each window, with the same weights everywhere. It "
            "finds the same thing wherever it stands, and has few parameters.",),
            "y[h, w] = bias + sum over i, j of x[h + i, w + j] kernel[i, j]",
            "LeCun, Bottou, Bengio and Haffner 1998, section II"),
        Sheet("convolution", "No padding: the output is smaller."),
        Predict("A brighter image", "1 is added to every number of `x`.", "convolution",
                (Change("x", plus=1),), "conv2d_1.y", (0, 0, 0, 0),
                "Each window grows by the sum of the kernel, wherever it is. A kernel of sum 0 "
                "would not have noticed.", shows=("kernel",)),
        Sheet("convolution", "With padding and stride.", level=2),
        Sheet("output-size", "How large, and how many parameters: floor((size + 2 padding - "
              "window) / stride) + 1."),
        Sheet("convolution", "Backward: the kernel meets every window.", level=3),
        Read("Pooling", (
            "Max pooling keeps the largest number of a window, average pooling the mean. Neither "
            "has parameters. The gradient goes to the winner, or to all alike. Global pooling "
            "leaves one number of each channel, so that a linear layer fits any size of image.",),
            "max: d_x = d_y where the largest stood; mean: d_y / window for each",
            "Lin, Chen and Yan 2014, section 3.2"),
        Sheet("max-pooling", "Backward: only the winners.", level=3),
        Predict("Another winner", "The first number of `x` in the first row becomes 50.",
                "max-pooling", (Change("x", to=50, at=(0, 0)),), "max_pool2d_1.y", (0, 0, 0, 0),
                "The largest of its window, and nothing else, passes."),
        Sheet("average-pooling", "All alike."),
        Sheet("global-average-pooling", "One number a channel."),
        Own("A small one", "Images of 8 by 8, a convolution, a pooling, and the size of it "
            "all.", """
import numpy as np
import evenly as ev

x = np.random.default_rng(0).standard_normal((32, 8, 8, 1))
y = (x.mean(axis=(1, 2, 3)) > 0).astype(int)
net = ev.Sequential([ev.Conv2D(4, 3), ev.ReLU(), ev.MaxPool2D(2), ev.Flatten(), ev.Dense(2)])
model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), epochs=3, batch=16)
print({name: array.shape for name, array in model.weights.items()})
"""),
    ),
    {"convolution-1d": "the same along a sequence",
     "global-max-pooling": "the largest of a channel for its mean"},
)

JUDGING = Lesson(
    "judging", "Judging: whose training fails, and why",
    "Read the record, name the cause, try the cure; and compare fairly.", 50, (
        Read("Begin with the record", (
            "The loss of the first step, the curves of training and validation, the gradients of "
            "each layer: most faults show in these. The doctor reads them, names what it finds "
            "with its evidence, and a cure to try. Before training, `ev.check` asks whether "
            "network, loss and data fit.",),
            "first loss of an untouched classifier: about ln(classes)", "Karpathy 2019"),
        Own("Check before training", "A network that ends in softmax under a loss that does its "
            "own, and inputs far from 0.", """
import numpy as np
import evenly as ev

x = np.random.default_rng(0).standard_normal((200, 4))
y = (x[:, 0] > 0).astype(int)
net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(2), ev.Softmax()])
print(ev.check(net, 100 * x + 500, y, loss=ev.SoftmaxCrossEntropy()))
"""),
        Sheet("gradient-checking", "Your own gradient code: differences to one side and to both, "
              "and a program with a wrong sign.", level=3),
        Own("A rate that is too high", "Train with a rate of 3, read the diagnosis, and take the "
            "cure, which is a changed value of the settings.", """
import warnings
import numpy as np
import evenly as ev

x = np.random.default_rng(0).standard_normal((200, 4))
y = (x[:, 0] * x[:, 1] > 0).astype(int)
net = ev.Sequential([ev.Dense(16), ev.ReLU(), ev.Dense(2)])
settings = ev.Settings(net, ev.SoftmaxCrossEntropy(), ev.Adam(3.0), epochs=10)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")                # it warns as it happens; here we print
    model = ev.fit(settings, x, y, validation=0.2, doctor=True)
print(model.diagnosis)
print(model.diagnosis.findings[0].cure(settings).optimizer)
"""),
        Sheet("plateau", "What a watcher of the validation loss does, epoch by epoch.", level=2),
        Predict("A gentler fall", "`factor` becomes 1/2. The rate of the last epoch is asked for.",
                "plateau", (Change("factor", to=Fraction(1, 2)),), "rates", (7,),
                "When it falls is up to the losses; how far, to the factor.",
                shows=("losses", "patience", "learning_rate")),
        Read("Which knob first", (
            "Of all hyperparameters the learning rate comes first; then momentum, batch and "
            "units; then layers and decay. Draw values at random, rates on a logarithmic scale, "
            "and go from coarse to fine.",),
            "rate = 10^r, r drawn evenly from -4 to 0", "Bergstra and Bengio 2012"),
        Claimed("hyperparameters", "Of all hyperparameters the learning rate matters most.",
                "How much of the spread each explains."),
        Read("Comparing fairly", (
            "A technique against none: the same data, splits, first weights and batches, several "
            "seeds, and an interval of the differences. One run against one run says nothing. "
            "\"Cannot tell\" is a result.",),
            "effect = mean of paired differences, with its 95 % interval",
            "Nadeau and Bengio 2003, section 3"),
        Own("On your table", "What helps on your data? Two variants here; without --variants all.",
            "", ("evenly study table.csv --target kind --variants plain,batch-norm --seeds 2 "
                 "--epochs 2 --out compared",)),
    ))

PATHS = (CONVOLUTIONS, JUDGING)
