"""What readers of other libraries share: layers made with their arrays, checked and loaded."""

from __future__ import annotations

from typing import Any, NoReturn

from ..errors import ConfigurationError, ShapeError
from ..layers.base import Layer, Shape
from ..layers.containers import Container, arrays_of, leaves, with_name
from ..training import Model, init
from .layout import Layout

# Of each layer made: the layer, and its arrays by their names behind the layer's own.
Made = list[tuple[Layer, dict[str, Any]]]


def refuse(where: str, setting: str, value: Any, wanted: str) -> NoReturn:
    raise ConfigurationError(f"{where}: {setting}={value!r} cannot be converted: {wanted}")


def require(where: str, module: Any, **settings: Any) -> None:
    """Settings that must be as given here."""
    for setting, wanted in settings.items():
        value = getattr(module, setting, wanted)
        same = value == wanted if not isinstance(value, tuple) else set(value) == {wanted}
        if not same:
            refuse(where, setting, value, f"only {wanted!r} can")


def rate(where: str, p: float, name: str = "p") -> float:
    if p >= 1:
        refuse(where, name, p, "a rate of 1 drops everything; it must be below 1")
    return float(p)


def settle(made: Made, layout: Layout, where: str, caller: str) -> list[Layer]:
    """The layers alone; each is checked with what comes to it, and `layout` goes on behind it.

    Raises:
        ShapeError: a layer cannot read what comes there, or has arrays for something else.
    """
    for layer, own in made:
        fits(layer, layout.shape, where)
        _expect_shapes(layer, own, layout.shape, where, caller)
        layout.shape = layer.output_shape(layout.shape)
    return [layer for layer, _ in made]


def fits(layer: Layer, shape: Shape, where: str) -> None:
    """Raises ShapeError where the layer cannot read such examples, which says where."""
    try:
        layer.check(shape, layer.name or layer.type_name)
    except ShapeError as error:
        raise ShapeError(f"{where}: {error}") from None


def _expect_shapes(
    layer: Layer, own: dict[str, Any], shape: Shape, where: str, caller: str
) -> None:
    """Raises ShapeError where the module was made for other examples than those that come."""
    for slot, spec in arrays_of(with_name(layer, "").expand(), shape).items():
        value = own.get(slot)
        if value is not None and value.shape != spec.shape:
            raise ShapeError(
                f"{where}: our {slot.split('.')[1]} of it would have shape {value.shape}, but "
                f"examples of shape {shape} come there, which need {spec.shape}: give {caller} "
                "the input_shape (channels last) that the module was made for"
            )


def loaded(net: Container, shape: Shape, arrays: list[dict[str, Any]], **settings: Any) -> Model:
    """The model of a named network, with these arrays of its layers in their order."""
    model = init(net, shape, **settings)
    for layer, own in zip(leaves(net), arrays, strict=True):
        model.engine.set_weights({f"{layer.name}{slot}": value for slot, value in own.items()})
    return model
