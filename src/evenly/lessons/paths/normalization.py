"""Normalization: of inputs, over the batch, over the features."""

from __future__ import annotations

from ..base import Change, Claimed, Lesson, Own, Predict, Read, Sheet

INPUTS = Lesson(
    "input-normalization", "Input normalization",
    "Inputs of one size: why descent wants them, and whose statistics count at test time.", 60, (
        Read("Mean 0, deviation 1", (
            "Each feature less its mean, divided by its deviation. Both are measured on the "
            "training set alone, and test data go through the same numbers: whoever measures the "
            "test set has looked at it.",),
            "(x - mean) / deviation", "LeCun, Bottou, Orr and Müller 1998, section 4.3"),
        Sheet("input-normalization", "Four examples, two features."),
        Predict("Other units", "All of `x` is multiplied by 10, as from centimetres to "
                "millimetres.", "input-normalization", (Change("x", times=10),), "train.scaled",
                (0, 0), "Mean and deviation grow along: units no longer count."),
        Sheet("input-normalization", "And the usual mistake: the test set by its own statistics.",
              level=3),
        Claimed("test-statistics", "Test data must be normalized by the training set's statistics, "
                "not by their own, and not left as they are.", "All at once, ten at a time, one at "
                "a time: by its own statistics a single example is 0."),
        Read("A rounder bowl", (
            "The cost over two weights is a bowl. Where one feature is large the bowl is steep in "
            "its direction; the learning rate must fit the steep one, and the flat one crawls.",),
            "a step multiplies the distance by 1 - c / largest c",
            "LeCun, Bottou, Orr and Müller 1998, section 5.1"),
        Sheet("scaled-descent", "Steps in a bowl of unscaled features."),
        Sheet("scaled-descent", "And of scaled ones.", level=2),
        Claimed("normalized-inputs", "Normalized inputs make the cost rounder: larger rates "
                "converge, and descent needs fewer steps.", "The condition of the cost is how much "
                "longer than wide the bowl is."),
        Sheet("covariate-shift", "When new data have moved away from those that were learned."),
        Claimed("shifted-data", "A shift between training and test data cannot be cured by "
                "regularization or normalization.", "Four cures, all of them at once, and a few "
                "rows of the new kind among those of training."),
        Sheet("min-max-scaling", "From 0 to 1; test data may leave the range.", level=2),
        Sheet("robust-scaling", "Median and quartiles: an example far out does not count."),
        Own("In your pipeline", "Fitted on the training part, applied to both.", """
import numpy as np
import evenly as ev

x = np.random.default_rng(0).standard_normal((100, 3)) * [1, 50, 0.01] + [0, 900, 5]
scaler = ev.Standardizer().fit(x[:80])
print(scaler.transform(x[80:]).mean(axis=0))       # near 0, and not 0
"""),
    ),
    {"scale": "a trained factor for each input, in front of a network",
     "piecewise-linear": "each input as shares of bins: broken lines become linear",
     "periodic": "each input with waves of it: jumps and waves become linear"},
)

BATCH = Lesson(
    "batch-normalization", "Batch normalization in an hour",
    "Forward, at test time, backward; and what of its fame holds on data.", 60, (
        Read("What it does", (
            "Each feature goes to mean 0 and variance 1 over the mini-batch; then a learned gamma "
            "and beta give back whatever scale and shift the next layer wants. A bias in front of "
            "it is subtracted with the mean: it has no effect and no gradient.",),
            "y = gamma (x - mean) / sqrt(variance + epsilon) + beta",
            "Ioffe and Szegedy 2015, algorithm 1"),
        Sheet("batch-norm", "Sum, mean, centred, variance, deviation, x_hat, y: a line each."),
        Predict("Twice the gamma", "All of `gamma` is doubled. `beta` stays.", "batch-norm",
                (Change("gamma", times=2),), "batch_norm_1.y", (0, 0),
                "y = gamma x_hat + beta: x_hat's part doubles, beta stays.", shows=("beta",)),
        Predict("Twice the kernel", "`kernel` and `bias` of the linear layer in front are doubled, "
                "and with them all that reaches the normalization.", "batch-norm",
                (Change("kernel", times=2), Change("bias", times=2)), "batch_norm_1.x_hat", (0, 0),
                "Mean and deviation double as well: the size of the weights in front does not "
                "matter. So larger first weights and larger rates are forgiven."),
        Read("At test time", (
            "One example has no batch. So training keeps averages of mean and variance, weighted "
            "exponentially, and test time uses them. Averages that lag, or a batch's own "
            "statistics, give other answers.",),
            "running = decay running + (1 - decay) batch", "Ioffe and Szegedy 2015, section 3.1"),
        Sheet("running-averages", "Mean and variance over several batches."),
        Sheet("batch-norm", "The whole of it: running averages, inference.", level=2),
        Claimed("batch-norm-test-time", "At test time batch norm needs weighted averages from "
                "training, that do not lag, and not the statistics of the batch at hand.",
                "What becomes of one example at a time?"),
        Sheet("batch-norm-backward", "The gradient goes three ways: straight, through the "
              "variance, through the mean."),
        Read("Scale and shift as a matrix", (
            "gamma on the diagonal and beta in a last column make one matrix: a 1 behind each "
            "x_hat, and the product is y. At test time the layer in front takes it in, and the "
            "normalization costs nothing.",),
            "[gamma_1 0 beta_1; 0 gamma_2 beta_2] (x_hat, 1)", "Ioffe and Szegedy 2015, section "
            "3.1"),
        Claimed("batch-norm-faster", "Batch norm trains faster, bears larger learning rates and "
                "forgives bad first weights.", "Three parts: steps to a loss, rates, weights."),
        Own("With and without", "Two trainings on your table, and what one of them holds.", "", (
                "evenly fit table.csv --target kind --norm batch --out with.evenly",
                "evenly fit table.csv --target kind --norm none --out without.evenly",
                "evenly show with.evenly")),
    ))

TESTED = Lesson(
    "batch-norm-tested", "Batch normalization: what is claimed",
    "Why it works, where it belongs, and when it fails: five claims and their studies.", 45, (
        Read("Internal covariate shift", (
            "The inputs of a layer move during training, since the layers in front of it learn. "
            "That is internal covariate shift. Data at test time that differ from those of "
            "training are covariate shift without the internal. The paper says that batch norm "
            "works by reducing the first; later work doubts it.",),
            "moved = (mean after - mean before) / deviation before",
            "Ioffe and Szegedy 2015, section 1; Santurkar et al. 2018"),
        Sheet("covariate-shift", "Within a network: a step of the layer in front moves what the "
              "next one sees.", level=2),
        Sheet("covariate-shift", "And with batch normalization.", level=3),
        Claimed("covariate-shift", "Batch norm works because it reduces internal covariate shift.",
                "The study brings the shift back by noise. Does the gain go?"),
        Read("Small batches", (
            "The mean of n examples is off by sqrt(variance / n), and the variance within them "
            "is (n - 1) / n of the true one on average. With two examples a batch that is hardly "
            "a statistic, with 512 it is hardly noise: and noise is what regularizes.",),
            "standard error of the mean: sqrt(variance / n)", "Wu and He 2018, section 1"),
        Sheet("batch-statistics", "Of a small and a large batch."),
        Predict("Four times the batch", "The small batch becomes four times as large.",
                "batch-statistics", (Change("small", times=4),), "small.error", (),
                "Four times the examples, half the error: a root.", shows=("variance",)),
        Claimed("small-batches", "Batch norm gets worse as batches shrink to 8, 4 and 2; layer and "
                "group norm do not care.", "What is lost from 32 down to 2?"),
        Claimed("large-batches", "The noise of batches makes batch norm regularize, and this fades "
                "as batches grow to 512.", "The gap between training and test, by batch."),
        Read("Before or behind, and dropout", (
            "The paper puts batch norm in front of the activation, others behind it. Dropout in "
            "front of it makes the variance at training 1/keep times that at test, which the "
            "running averages do not know.",),
            "variance in training: 1 / keep; at test: 1", "Li, Chen, Hu and Yang 2019"),
        Claimed("batch-norm-place", "Batch norm belongs in front of the activation, not behind it.",
                "With ReLU and with others."),
        Claimed("dropout-before-norm", "Dropout in front of batch normalization shifts its "
                "variances, and the network is worse for it.", "Two parts: are the variances "
                "shifted, and is the network worse?"),
        Own("Ask the doctor", "A training whose running averages lag behind; the record says so.",
            """
import warnings
import numpy as np
import evenly as ev

x = np.random.default_rng(0).standard_normal((256, 6)) * 20 + 40
y = (x[:, 0] > x[:, 1]).astype(int)
net = ev.Sequential([ev.Dense(8), ev.BatchNorm(decay=0.9999), ev.ReLU(), ev.Dense(2)])
with warnings.catch_warnings():
    warnings.simplefilter("ignore")                # it warns as it happens; here we print
    model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(1e-2), epochs=5,
                   validation=0.2, doctor=True)
print(model.diagnosis)
"""),
    ))

LAYER = Lesson(
    "layer-norm", "Layer norm and sequences",
    "Norms that do not look at the batch, and the networks that made them needed.", 75, (
        Read("Over the features", (
            "Layer normalization takes mean and variance over the features of one example. No "
            "other example counts, so training and test are the same, batches may be of any size, "
            "and each step of a sequence has statistics of its own.",),
            "y = gamma (x - mean) / sqrt(variance + epsilon) + beta, row by row",
            "Ba, Kiros and Hinton 2016, section 3"),
        Sheet("layer-norm", "As batch normalization, with rows for columns."),
        Predict("Another neighbour", "The first number of the second example becomes 100.",
                "layer-norm", (Change("x", to=100, at=(1, 0)),), "layer_norm_1.y", (0, 0),
                "Nothing: each example is by itself. Batch normalization would have moved it."),
        Sheet("group-norm", "Between the two: channels in groups, each example by itself."),
        Sheet("rms-norm", "Without the mean: only the size is taken out."),
        Sheet("weight-norm", "Weights instead of activations: a direction, and a length."),
        Claimed("small-batches", "Batch norm gets worse as batches shrink to 8, 4 and 2; layer and "
                "group norm do not care.", "What becomes of layer and group norm?"),
        Read("A state that is handed on", (
            "A recurrent layer reads a sequence step by step and hands a state on. Backward goes "
            "through all steps, by the same kernel each time: gradients vanish or explode with "
            "the length. LSTM and GRU add where a plain layer multiplies, and gates learn what to "
            "keep.",),
            "h = f(x input_kernel + bias + h recurrent_kernel)",
            "Hochreiter and Schmidhuber 1997; Cho et al. 2014"),
        Sheet("rnn", "Two steps of a sequence."),
        Predict("Another beginning", "The state at the beginning, `h`, becomes 0.", "rnn",
                (Change("h", to=0),), "rnn_1.a", (0, 0),
                "What is left is the input's part: x input_kernel + bias.",
                shows=("x", "input_kernel", "bias")),
        Sheet("lstm", "The gates i, f, g and o, and the cell."),
        Sheet("gru", "Two gates, no cell."),
        Sheet("rnn", "Backward through time.", level=3),
        Claimed("clipping", "Clipping gradients lets recurrent networks train on long sequences.",
                "A digit read pixel by pixel: 64 steps."),
        Own("An LSTM", "One with layer normalization behind it, on sequences of ten "
            "steps.", """
import numpy as np
import evenly as ev

x = np.random.default_rng(0).standard_normal((64, 10, 2))
y = (x[:, 0, 0] > 0).astype(int)                   # what was said first
net = ev.Sequential([ev.LSTM(8), ev.LayerNorm(), ev.Dense(2)])
model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(1e-2), epochs=5,
               clip=ev.ClipGlobalNorm(1.0))
print(model.evaluate(x, y).loss)
"""),
    ),
    {"instance-norm": "group normalization with a group for each channel"},
)

PATHS = (INPUTS, BATCH, TESTED, LAYER)
