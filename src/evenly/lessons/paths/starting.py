"""How training begins, and how gradients come through."""

from __future__ import annotations

from ..base import Change, Claimed, Lesson, Own, Predict, Read, Sheet

START = Lesson(
    "starting-weights", "Why networks start badly",
    "Zeros, weights that are too large or too small, and the variance that keeps a signal alive.",
    75, (
        Read("Zeros", (
            "Units that start equal get equal gradients and stay equal: a layer of a hundred is a "
            "layer of one. Weights must start different. Biases may start at 0.",),
            "equal weights, equal gradients, equal weights",
            "Goodfellow, Bengio and Courville 2016, section 8.4"),
        Sheet("zero-initialization", "Which parameters move at all?"),
        Sheet("equal-weights", "The whole network is a logistic regression."),
        Claimed("zero-weights", "Zero weights never break the symmetry between units: the network "
                "is no better than logistic regression. Zero biases are fine.",
                "Look at the units that still equal one another after training."),
        Read("Large weights", (
            "Large first weights push sigmoids to 0 and 1, where their slope vanishes, and make "
            "the first loss large: the untouched network is sure of itself, and mostly wrong.",),
            "cost of a wrong answer: about |z|", "Glorot and Bengio 2010, section 3"),
        Sheet("large-weights", "Slopes and costs of small weights; level 2 has large ones."),
        Claimed("first-weights", "Very large first weights cost much at the beginning, by "
                "saturated outputs; too small ones learn late.", "Look at the loss before "
                "the first step."),
        Read("The variance that stays", (
            "A sum of n products has n times the variance of one. Weights of variance 1/n keep it; "
            "a ReLU cuts off half of the mean square, so there it is 2/n. Glorot and Bengio take "
            "the mean of both directions, forward and backward.",),
            "Xavier: 2 / (fan_in + fan_out), or 1 / fan_in; He: 2 / fan_in",
            "Glorot and Bengio 2010, section 4.2; He et al. 2015, section 2.2"),
        Sheet("variance-through-layers", "Three layers: kept, lost, or growing?"),
        Predict("Twice the variance", "The weights of the second layer get twice their variance.",
                "variance-through-layers", (Change("weights", times=2, at=(1,)),),
                "layer_3.variance", (), "Each layer multiplies: twice in one layer is twice in all "
                "behind it, and twice in each is 2 to the power of the depth.",
                shows=("variance", "sizes")),
        Sheet("xavier", "Fans, variance, deviation, weights.", convention="both"),
        Sheet("he", "Only the fan in counts."),
        Sheet("tanh-fan-in", "Xavier with 1/n, for tanh: the sums stay where it is steep."),
        Claimed("variance-kept", "First weights of variance 1/n (tanh) and 2/n (ReLU) keep the "
                "spread of activations and gradients through a deep network; with half it "
                "vanishes, with twice it explodes.", "Thirty layers: both ends, before training, "
                "and what is learned."),
        Own("Spread by layer", "The spread of the activations behind each of ten layers, with He's "
            "weights and with a tenth of them.", """
import numpy as np
import evenly as ev

x = np.random.default_rng(0).standard_normal((64, 32))
for name, init in (("He", ev.HeNormal()), ("a tenth", ev.Normal(0.1 * (2 / 32) ** 0.5))):
    spreads = []
    for depth in range(1, 11):
        layers = [layer for _ in range(depth) for layer in (ev.Dense(32, kernel_init=init),
                                                            ev.ReLU())]
        model = ev.init(ev.Sequential(layers), input_shape=(32,), seed=0)
        spreads.append(float(model.predict(x).std()))
    print(name, spreads)
"""),
    ))

DEEP = Lesson(
    "vanishing-exploding", "Vanishing and exploding gradients",
    "A product over the depth: what makes it tiny or huge, and what holds it.", 75, (
        Read("A product", (
            "Going backward, each layer multiplies the gradient by its weight and its slope. A "
            "product of many factors below 1 is next to nothing; of many above 1 it is beyond all "
            "bounds. The first layers feel it most.",),
            "d_x = d_y times (weight 1 slope 1) ... (weight L slope L)",
            "Hochreiter 1991; Bengio, Simard and Frasconi 1994"),
        Sheet("vanishing-gradients", "The factor of each layer, and their product."),
        Predict("One weight larger", "The last layer's weight is multiplied by 6.",
                "vanishing-gradients", (Change("weights", times=6, at=(3,)),), "product", (0, 0),
                "The product has each factor once: one large weight makes up for small ones, and "
                "nothing but luck makes them match."),
        Sheet("vanishing-gradients", "With sigmoids: each slope is 1/4 at most.", level=2),
        Sheet("exploding-gradients", "The same with weights above 1."),
        Sheet("matrix-chains", "Kernels a little above and a little below the identity."),
        Predict("One layer more", "The chain has four layers instead of three.", "matrix-chains",
                (Change("layers", to=4),), "above.y", (0,),
                "Each further layer is a further factor: the power of the depth.",
                shows=("x", "above")),
        Claimed("deep-chain", "Weights a little above the identity make a deep chain of layers "
                "explode, weights a little below make it vanish: both with the power of its depth.",
                "Fifty layers, 1.1 and 0.9."),
        Read("Clipping", (
            "Where gradients are too long, they are cut before the step: all of them by one "
            "factor, so that their direction stays. That helps against explosions, and not "
            "against vanishing.",),
            "g = g min(1, max_norm / |g|)", "Pascanu, Mikolov and Bengio 2013, section 3.2"),
        Sheet("gradient-clipping", "By norm and by value: which keeps the direction?"),
        Predict("A limit that is not reached", "`max_norm` becomes 1000.", "gradient-clipping",
                (Change("max_norm", to=1000),), "kernel.clipped", (0,),
                "A gradient that is short enough stays as it is.", shows=("kernel_gradient",)),
        Claimed("clipping", "Clipping gradients lets recurrent networks train on long sequences.",
                "Each kind at its own best learning rate."),
        Read("Weights that keep lengths", (
            "Orthogonal kernels turn and mirror, and change no length: their products neither "
            "vanish nor explode. LSUV measures instead: layer by layer the kernel is divided by "
            "the deviation of its output on the data.",),
            "kernel' kernel = identity; kernel / deviation of the output",
            "Saxe, McClelland and Ganguli 2014; Mishkin and Matas 2016"),
        Sheet("orthogonal", "Columns at right angles, of length 1."),
        Sheet("lsuv", "Measure, divide, go on."),
        Own("Find it in a training", "A deep network of sigmoids. The doctor names what vanishes, "
            "and where.", """
import warnings
import numpy as np
import evenly as ev

x = np.random.default_rng(0).standard_normal((200, 8))
y = (x[:, 0] > 0).astype(int)
layers = [layer for _ in range(8) for layer in (ev.Dense(8), ev.Sigmoid())]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")                # it warns as it happens; here we print
    model = ev.fit(ev.Sequential([*layers, ev.Dense(2)]), x, y, loss=ev.SoftmaxCrossEntropy(),
                   optimizer=ev.SGD(0.1), epochs=5, clip=ev.ClipGlobalNorm(1.0), doctor=True)
print(model.diagnosis)
"""),
    ))

PATHS = (START, DEEP)
