"""From nodes to instructions, and to the buffers that these want."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..clipping import ClipGlobalNorm
from ..layers.base import Shape
from ..losses import Loss
from ..optimizers import Optimizer
from ..penalties import L2
from .fusion import Node
from .plan import Wanted
from .values import Buffer, Instruction

# As in cpp/kernels/common.hpp: partial results of a reduction, two for each block and column.
_MAX_BLOCKS = 32


class Lowering:
    """Builds the instruction lists of a program.

    After :meth:`inference` and :meth:`training`, ``lists`` holds the instructions and ``wanted``
    the buffers in the work arena. Buffers of inference end in ``'``: the two never run at once, so
    they share the arena.
    """

    def __init__(self, nodes: Sequence[Node], input_shape: Shape, batch: int, dtype: str,
                 input_gradient: bool) -> None:
        self.nodes = nodes
        self.input_shape = input_shape
        self.batch = batch
        self.inference_rows = batch
        self.dtype = dtype
        self.input_gradient = input_gradient
        self.lists: dict[str, list[Instruction]] = {}
        self.wanted: list[Wanted] = []
        self.output_shape = nodes[-1].after if nodes else input_shape

    # Inference ------------------------------------------------------------------------------

    def inference(self, rows: int, loss: Loss | None) -> None:
        self.inference_rows = rows
        lines = []
        x = "input"
        for node in self.nodes:
            if node.layer.inference_is_identity:
                continue
            y = self._want(f"{node.name}.y'", (rows, *node.after))
            lines.append(self._inference_line(node, x, y, rows))
            x = y
        self.lists["inference"] = lines
        self._common("'")
        evaluation = list(lines)
        if loss is not None:
            evaluation.append(self._loss_line(loss, x, None, rows, "'"))
        self.lists["evaluation"] = evaluation
        self._keep(x)

    def _inference_line(self, node: Node, x: str, y: str, rows: int) -> Instruction:
        layer = node.layer
        buffers = {"x": x, "y": y, **self._arrays(node)}
        members = tuple(m for m in node.members if not (node.dropout and m == node.dropout[0]))
        if layer.kernel is None:
            return Instruction("python.inference", members, buffers, {})
        numbers = self._numbers(node, rows, training=False)
        if layer.own_inference:
            return Instruction(f"{layer.kernel}.inference", members, buffers, numbers)
        for slot, shape in layer.workspace(node.before, self._matrix_rows(node, rows)).items():
            buffers[slot] = self._want(f"{node.name}.{slot}'", shape)
        buffers["scratch"] = "scratch'"
        return Instruction(f"{layer.kernel}.forward", members, buffers, numbers)

    # Training -------------------------------------------------------------------------------

    def training(self, loss: Loss | None) -> None:
        forward, backward = [], []
        inputs = ["input"]
        for node in self.nodes:
            y = self._want(f"{node.name}.y", (self.batch, *node.after))
            forward.append(self._forward_line(node, inputs[-1], y))
            inputs.append(y)
        loss_lines = []
        d_y = "output_gradient"
        if loss is not None:
            d_y = self._want("scores.gradient", (self.batch, *self.output_shape))
            loss_lines.append(self._loss_line(loss, inputs[-1], d_y, self.batch, ""))
        for i in reversed(range(len(self.nodes))):
            node = self.nodes[i]
            d_x = None
            if i > 0 or self.input_gradient:
                shape = self.nodes[i - 1].after if i > 0 else self.input_shape
                d_x = self._want(f"{node.name}.d_x", (self.batch, *shape))
            if d_x is not None or node.layer.arrays(node.before):
                backward.append(self._backward_line(node, inputs[i], inputs[i + 1], d_y, d_x))
            d_y = d_x or d_y
        self._common("")
        if loss is None:
            self.lists["forward"] = forward
            self.lists["backward"] = backward
            self._keep(inputs[-1])
        else:
            self.lists["gradient"] = forward + loss_lines + backward
            self._want("batch_input", (self.batch, *self.input_shape), always=True)
            self._want("batch_target", (self.batch, *self.target_shape(loss)),
                       self.target_dtype(loss), always=True)
        if self.input_gradient:
            self._keep(d_y)
        self.lists["update"] = [
            Instruction(
                f"{node.layer.kernel}.track", (node.name,),
                {"statistics": f"{node.name}.statistics", **self._arrays(node)},
                self._numbers(node, self.batch, training=True),
            )
            for node in self.nodes if node.layer.tracks and loss is not None
        ]

    def _forward_line(self, node: Node, x: str, y: str) -> Instruction:
        layer = node.layer
        buffers = {"x": x, "y": y, **self._arrays(node)}
        if layer.kernel is None:
            return Instruction("python.forward", tuple(node.members), buffers, {},
                               "no kernel: runs its definition")
        rows = self._matrix_rows(node, self.batch)
        for slot, shape in layer.workspace(node.before, rows).items():
            buffers[slot] = self._want(f"{node.name}.{slot}", shape)
        buffers["scratch"] = "scratch"
        return Instruction(f"{layer.kernel}.forward", tuple(node.members), buffers,
                           self._numbers(node, self.batch, training=True))

    def _backward_line(self, node: Node, x: str, y: str, d_y: str, d_x: str | None) -> Instruction:
        layer = node.layer
        arrays = self._arrays(node)
        buffers = {"x": x, "y": y, "d_y": d_y, **arrays}
        if d_x is not None:
            buffers["d_x"] = d_x
        for slot, spec in layer.arrays(node.before).items():
            if spec.trainable and slot not in node.cancelled:
                buffers[f"d_{slot}"] = f"{node.name}.{slot}.gradient"
        if layer.kernel is None:
            return Instruction("python.backward", tuple(node.members), buffers, {})
        for slot in layer.workspace(node.before, 1):
            buffers[slot] = f"{node.name}.{slot}"
        if node.has_epilogue:
            # The gradient behind the epilogue takes the place of the one in front of it.
            own = d_y == "output_gradient"
            buffers["d_z"] = (
                self._want(f"{node.name}.d_z", (self.batch, *node.after)) if own else d_y
            )
        buffers["scratch"] = "scratch"
        note = "no gradient for " + ", ".join(node.cancelled) if node.cancelled else ""
        return Instruction(f"{layer.kernel}.backward", tuple(node.members), buffers,
                           self._numbers(node, self.batch, training=True), note)

    def check_and_update(
        self, optimizer: Optimizer | None, penalty: L2 | None, clip: ClipGlobalNorm | None,
        state: Mapping[str, Buffer], decaying_bytes: int,
    ) -> None:
        item = {"float32": 4, "float64": 8}[self.dtype]
        sizes = {"size": state["values"].bytes // item, "decaying": decaying_bytes // item}
        flats = {"values": "values", "gradients": "gradients", "scalars": "scalars"}
        notes = []
        if penalty is not None:
            notes.append(f"penalty {penalty}")
        if clip is not None:
            notes.append(f"{clip}")
        self.lists["gradient"].append(Instruction(
            "gradient_check", (), {**flats, "scratch": "scratch"},
            {**sizes, "l2": penalty.strength if penalty else 0,
             "clip_norm": clip.max_norm if clip else 0}, ", ".join(notes),
        ))
        if optimizer is None or sizes["size"] == 0:
            return
        states = {f"state_{i + 1}": f"state_{i + 1}" for i in range(len(optimizer.states))}
        self.lists["update"].append(Instruction(
            f"{optimizer.kernel}.update", (), {**flats, **states},
            {**sizes, **optimizer.numbers()}, repr(optimizer),
        ))

    # Parts ----------------------------------------------------------------------------------

    def target_shape(self, loss: Loss | None) -> Shape:
        return (1,) if loss is not None and loss.targets_are_classes else self.output_shape

    def target_dtype(self, loss: Loss | None) -> str:
        return "int32" if loss is not None and loss.targets_are_classes else self.dtype

    def _want(self, name: str, shape: Shape, dtype: str | None = None,
              always: bool = False) -> str:
        self.wanted.append(Wanted(name, shape, dtype or self.dtype, always))
        return name

    def _keep(self, name: str) -> None:
        """Keeps a buffer to the end of its list, for whoever reads it afterwards."""
        self.wanted = [
            Wanted(w.name, w.shape, w.dtype, True) if w.name == name else w for w in self.wanted
        ]

    def _common(self, mark: str) -> None:
        columns = [1, *(node.after[-1] for node in self.nodes)]
        columns += [node.before[-1] for node in self.nodes]
        self._want("scratch" + mark, (2 * _MAX_BLOCKS, max(columns)), "float64", always=True)

    def _arrays(self, node: Node) -> dict[str, str]:
        return {slot: f"{node.name}.{slot}" for slot in node.layer.arrays(node.before)}

    def _matrix_rows(self, node: Node, rows: int) -> int:
        return rows * math.prod(node.before[:-1])

    def _numbers(self, node: Node, rows: int, training: bool) -> dict[str, float]:
        after = node.layer.output_shape(node.before)
        numbers: dict[str, Any] = {
            "rows_per_example": math.prod(after[:-1]),
            "columns": after[-1],
            "planned_rows": self._matrix_rows(node, rows),
            **node.layer.numbers(node.before),
        }
        if node.activation is not None:
            numbers["activation"] = node.activation.activation_code
        numbers.pop("dropout_rate", None)
        if training and node.dropout is not None:
            name, layer = node.dropout
            numbers["dropout_rate"] = layer.rate
            numbers["dropout_stream"] = layer.stream(name)
        return numbers

    def _loss_line(self, loss: Loss, x: str, d_x: str | None, rows: int,
                   mark: str) -> Instruction:
        buffers = {"x": x, "target": "target", "scalars": "scalars"}
        if d_x is not None:
            buffers["d_x"] = d_x
        buffers["row_loss"] = self._want("row_loss" + mark, (rows, 2), "float64")
        return Instruction(loss.kernel, (), buffers, {"columns": self.output_shape[-1]})


