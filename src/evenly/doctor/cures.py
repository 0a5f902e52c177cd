"""Cures that several findings share: a function of what is to change gives a :class:`Cure`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from .. import layers as ly
from ..clipping import ClipGlobalNorm
from ..initializers import HeNormal, LeCunNormal, XavierUniform, Zeros
from ..layers.base import Layer
from ..layers.containers import Container
from ..layers.conv import Convolution
from ..layers.recurrent import Recurrent
from ..losses import BinaryCrossEntropy, Loss, MeanSquaredError, SoftmaxCrossEntropy
from ..optimizers import Adam
from ..penalties import L2
from ..schedules import CosineDecay
from ..settings import Settings
from ..stopping import EarlyStopping
from .finding import Cure
from .rewrite import last_of, replaced, rewritten

SQUASHING = (ly.Sigmoid, ly.Tanh, ly.HardSigmoid, ly.Softsign, ly.Softmax)
RECTIFYING = (ly.ReLU, ly.LeakyReLU, ly.PReLU, ly.ELU, ly.SELU, ly.GELU, ly.SiLU, ly.Mish,
              ly.HardSwish, ly.Softplus)
NORMS = (ly.BatchNorm, ly.LayerNorm, ly.GroupNorm, ly.InstanceNorm, ly.RMSNorm)
DROPS = (ly.Dropout, ly.SpatialDropout, ly.AlphaDropout, ly.GaussianDropout, ly.DropConnect,
         ly.StochasticDepth)
LINEAR = (ly.Dense, Convolution, ly.WeightNorm, ly.DropConnect)


def advice(text: str) -> Cure:
    """What only the user can change."""
    return Cure(text)


def rounded(number: float) -> float:
    """To two digits."""
    return float(f"{number:.2g}")


# Of the steps

def rate_times(factor: float, now: float | None = None) -> Cure:
    """Another learning rate."""
    word = "Lower" if factor < 1 else "Raise"
    text = f"{word} the learning rate by a factor of {max(factor, 1 / factor):.3g}."
    if now:
        text = f"{word} the learning rate from {now:g} to {rounded(now * factor):g}."

    def change(settings: Settings) -> Settings:
        rate = rounded(settings.optimizer.learning_rate * factor)
        return replace(settings, optimizer=replace(settings.optimizer, learning_rate=rate))

    return Cure(text, change)


def adam(rate: float = 1e-3) -> Cure:
    """Steps that do not depend on the size of the gradients."""
    return Cure(f"Use Adam({rate:g}), whose steps do not depend on the size of the gradients.",
                lambda settings: replace(settings, optimizer=Adam(rate)))


def clip(limit: float = 1.0) -> Cure:
    """Gradients cut off."""
    return Cure(f"Clip the gradients: clip=ClipGlobalNorm({limit:g}).",
                lambda settings: replace(settings, clip=ClipGlobalNorm(limit)))


def no_clip() -> Cure:
    """Gradients as they are."""
    return Cure("Leave the clipping out, or clip at the 90th percentile of the gradients' norm.",
                lambda settings: replace(settings, clip=None))


def decay_rate() -> Cure:
    """A rate that comes to rest."""
    return Cure("Let the learning rate fall: schedule=CosineDecay().",
                lambda settings: replace(settings, schedule=CosineDecay()))


def more_epochs(factor: int) -> Cure:
    """A longer training."""
    return Cure(f"Train {factor} times as many epochs.",
                lambda settings: replace(settings, epochs=settings.epochs * factor))


def stop_early() -> Cure:
    """The best epoch's weights."""
    def change(settings: Settings) -> Settings:
        patience = max(3, settings.epochs // 5)
        return replace(settings, early_stopping=EarlyStopping(patience=patience))

    return Cure("Keep the weights of the best epoch: early_stopping=EarlyStopping().", change)


def larger_batch(rows: int) -> Cure:
    """More rows a step."""
    return Cure(f"Take {rows} rows a step: batch={rows}.",
                lambda settings: replace(settings, batch=rows))


# Of the data

def scaled_inputs() -> Cure:
    """Inputs of mean 0 and deviation 1."""
    return Cure('Standardize the inputs: inputs="standardized".',
                lambda settings: replace(settings, inputs="standardized"))


def scaled_targets() -> Cure:
    """Targets of mean 0 and deviation 1."""
    return Cure('Standardize the targets for the loss: targets="standardized".',
                lambda settings: replace(settings, targets="standardized"))


# Of the network

def _net(text: str, one: Callable[[Layer], Layer | Sequence[Layer]]) -> Cure:
    return Cure(text, lambda settings: replace(settings, net=replaced(settings.net, one)))


def rectify(leaky: bool = False) -> Cure:
    """Activations that do not saturate, in all places but the end."""
    new = ly.LeakyReLU if leaky else ly.ReLU
    old: tuple[type[Layer], ...] = (*SQUASHING, ly.ReLU) if leaky else SQUASHING

    def change(settings: Settings) -> Settings:
        last = last_of(settings.net, *LINEAR, Recurrent)
        seen = False

        def one(layer: Layer) -> Layer:
            nonlocal seen
            if isinstance(layer, old) and not seen:
                return new()
            seen = seen or layer.name == last
            return fresh(layer)

        return replace(settings, net=replaced(settings.net, one))

    return Cure(f"Use {new.__name__} in the hidden layers, with initial weights to match.", change)


def fresh(layer: Layer, behind: Layer | None = None) -> Layer:
    """A layer with the initializers that suit what stands behind it; by default ReLU."""
    if isinstance(layer, Recurrent):
        plain = type(layer)(1)
        return replace(layer, input_init=plain.input_init, recurrent_init=plain.recurrent_init)
    if isinstance(layer, (ly.WeightNorm, ly.DropConnect)):
        return replace(layer, layer=fresh(layer.layer, behind))
    if not isinstance(layer, (ly.Dense, Convolution)):
        return layer
    start: Any = HeNormal()
    if isinstance(behind, SQUASHING):
        start = XavierUniform()
    elif isinstance(behind, ly.SELU):
        start = LeCunNormal()
    return replace(layer, kernel_init=start, bias_init=Zeros())


def fresh_weights() -> Cure:
    """Initial weights by the fan and the activation."""

    def change(layers: list[Layer]) -> list[Layer]:
        return [fresh(layer, _activation_behind(layers, i)) for i, layer in enumerate(layers)]

    return Cure(
        "Draw the initial weights by the layers' widths: HeNormal before ReLU, XavierUniform "
        "before tanh and sigmoid, biases zero.",
        lambda settings: replace(settings, net=rewritten(settings.net, change)),
    )


def _activation_behind(layers: list[Layer], place: int) -> Layer | None:
    for layer in layers[place + 1:]:
        if isinstance(layer, (*SQUASHING, *RECTIFYING)):
            return layer
        if isinstance(layer, (*LINEAR, Recurrent, Container)):
            return None
    return None


def normalize() -> Cure:
    """Batch normalization behind every hidden layer with a kernel."""

    def change(settings: Settings) -> Settings:
        last = last_of(settings.net, *LINEAR)

        def one(layers: list[Layer]) -> list[Layer]:
            found: list[Layer] = []
            for i, layer in enumerate(layers):
                found.append(layer)
                following = layers[i + 1] if i + 1 < len(layers) else None
                if isinstance(layer, LINEAR) and layer.name != last and \
                        not isinstance(following, NORMS):
                    found.append(ly.BatchNorm())
            return found

        return replace(settings, net=rewritten(settings.net, one))

    return Cure("Put BatchNorm() behind the hidden layers, in front of their activations.", change)


def activate(names: Sequence[str]) -> Cure:
    """ReLU behind these layers."""

    def one(layer: Layer) -> Layer | list[Layer]:
        return [layer, ly.ReLU()] if layer.name in names else layer

    return _net(f"Put ReLU() behind {', '.join(names)}.", one)


def outputs(units: int) -> Cure:
    """As many outputs as there are targets a row."""

    def change(settings: Settings) -> Settings:
        last = last_of(settings.net, *LINEAR)

        def one(layer: Layer) -> Layer:
            is_last = layer.name == last and isinstance(layer, ly.Dense)
            return replace(layer, units=units) if is_last else layer  # type: ignore[type-var]

        return replace(settings, net=replaced(settings.net, one))

    return Cure(f"Let the last layer have {units} output{'s' if units > 1 else ''}.", change)


def without(names: Sequence[str], why: str) -> Cure:
    """The network without these layers."""
    return _net(f"Leave {', '.join(names)} out: {why}.",
                lambda layer: [] if layer.name in names else layer)


def dropout_at(rate: float) -> Cure:
    """Dropout at most at a rate."""

    def one(layer: Layer) -> Layer:
        if isinstance(layer, (*DROPS, ly.GaussianDropout)) and layer.rate > rate:
            return replace(layer, rate=rate)
        if isinstance(layer, Recurrent):
            return replace(layer, dropout=min(layer.dropout, rate),
                           recurrent_dropout=min(layer.recurrent_dropout, rate))
        return layer

    return _net(f"Lower the dropout to at most {rate:g}." if rate else "Leave the dropout out.",
                one)


def add_dropout(rate: float) -> Cure:
    """Dropout behind the hidden layers' activations."""

    def one(layer: Layer) -> Layer | list[Layer]:
        return [layer, ly.Dropout(rate)] if isinstance(layer, (*SQUASHING, *RECTIFYING)) else layer

    return _net(f"Put Dropout({rate:g}) behind the hidden activations.", one)


def faster_averages() -> Cure:
    """Running averages that keep up."""

    def one(layer: Layer) -> Layer:
        return replace(layer, decay=0.9) if isinstance(layer, ly.BatchNorm) and layer.decay > 0.9 \
            else layer

    return _net("Let batch normalization's running averages follow faster: decay=0.9 (PyTorch's "
                "momentum=0.1).", one)


def norm_before_dropout() -> Cure:
    """Dropout moved behind the normalization that follows it."""

    def change(layers: list[Layer]) -> list[Layer]:
        found = list(layers)
        for i, layer in enumerate(layers):
            if not isinstance(layer, DROPS):
                continue
            later = range(i + 1, len(layers))
            norm = next((j for j in later if isinstance(layers[j], NORMS)), None)
            if norm is not None:
                found.remove(layer)
                behind = found.index(layers[norm]) + 1
                if behind < len(found) and isinstance(found[behind], RECTIFYING):
                    behind += 1
                found.insert(behind, layer)
        return found

    return Cure("Put dropout behind batch normalization and its activation.",
                lambda settings: replace(settings, net=rewritten(settings.net, change)))


def layer_norm() -> Cure:
    """Statistics of an example instead of the batch's."""

    def one(layer: Layer) -> Layer:
        return ly.LayerNorm() if isinstance(layer, ly.BatchNorm) else layer

    return _net("Use LayerNorm(), which needs no batch, in place of BatchNorm().", one)


def widen(factor: int, least: int) -> Cure:
    """More units in every hidden layer."""

    def change(settings: Settings) -> Settings:
        last = last_of(settings.net, *LINEAR)

        def one(layer: Layer) -> Layer | list[Layer]:
            if layer.name == last:
                return [ly.Dense(least), ly.ReLU(), layer] if deepen else layer
            if isinstance(layer, (ly.Dense, Recurrent)):
                return replace(layer, units=max(layer.units * factor, least))
            if isinstance(layer, (ly.Conv1D, ly.Conv2D)):
                return replace(layer, filters=max(layer.filters * factor, 16))
            return layer

        named = settings.net.named_layers() if isinstance(settings.net, ly.Sequential) else []
        deepen = sum(isinstance(layer, (*LINEAR, Recurrent)) for _, layer in named) < 2
        return replace(settings, net=replaced(settings.net, one))

    return Cure(f"Make the hidden layers {factor} times as wide, of at least {least} units.",
                change)


def narrow(factor: int) -> Cure:
    """Fewer units in every hidden layer."""

    def change(settings: Settings) -> Settings:
        last = last_of(settings.net, *LINEAR)

        def one(layer: Layer) -> Layer:
            if layer.name != last and isinstance(layer, (ly.Dense, Recurrent)):
                return replace(layer, units=max(layer.units // factor, 8))
            return layer

        return replace(settings, net=replaced(settings.net, one))

    return Cure(f"Make the hidden layers {factor} times as narrow.", change)


# Of the cost

def no_penalty() -> Cure:
    """Neither penalty nor weight decay."""
    return Cure(
        "Leave penalty and weight decay out.",
        lambda settings: replace(settings, penalty=None,
                                 optimizer=replace(settings.optimizer, weight_decay=0.0)),
    )


def weight_decay(strength: float) -> Cure:
    """A penalty on the weights."""
    return Cure(f"Add a penalty on the weights: penalty=L2({strength:g}).",
                lambda settings: replace(settings, penalty=L2(strength)))


def use_loss(loss: Loss, outputs: int | None = None, drop: Sequence[str] = ()) -> Cure:
    """Another loss, on the scores themselves."""

    def change(settings: Settings) -> Settings:
        last = last_of(settings.net, *LINEAR)

        def one(layer: Layer) -> Layer | list[Layer]:
            if layer.name in drop:
                return []
            if outputs is not None and layer.name == last and isinstance(layer, ly.Dense):
                return replace(layer, units=outputs)
            return layer

        return replace(settings, loss=loss, net=replaced(settings.net, one))

    text = f"Use {type(loss).__name__}() on scores"
    if drop:
        text += f", without {', '.join(drop)}"
    if outputs is not None:
        text += f", with {outputs} outputs"
    return Cure(text + ".", change)


CROSS_ENTROPY, LOGISTIC, SQUARED = SoftmaxCrossEntropy(), BinaryCrossEntropy(), MeanSquaredError()


def weigh_classes(weights: Sequence[float]) -> Cure:
    """Class weights in the loss."""
    told = tuple(rounded(w) for w in weights)

    def change(settings: Settings) -> Settings:
        loss: Any = settings.loss
        if hasattr(loss, "class_weights"):
            return replace(settings, loss=replace(loss, class_weights=told))
        return settings

    return Cure("Weigh the classes in the loss: class_weights=" +
                (f"{told}." if len(told) <= 5 else "one over their shares."), change)
