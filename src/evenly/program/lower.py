"""From nodes to instructions, and to the buffers that these want."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..augmentation import Augmentation
from ..layers.base import Shape
from ..layers.containers import Joined
from ..layers.windows import bands
from ..losses import Loss
from ..random import stream_of
from .fusion import Node
from .graph import INPUT_VALUE
from .moments import shared_moments
from .parts import Instruction
from .plan import Wanted

# As in cpp/kernels/common.hpp: partial results of a reduction, two for each block and column.
_MAX_BLOCKS = 32


class Lowering:
    """Builds the instruction lists of a program.

    After :meth:`inference` and :meth:`training`, ``lists`` holds the instructions and ``wanted``
    the buffers in the work arena. Buffers of inference end in ``'``: the two never run at once, so
    they share the arena.
    """

    def __init__(self, nodes: Sequence[Node], output: int, input_shape: Shape,
                 output_shape: Shape, batch: int, dtype: str, input_gradient: bool) -> None:
        self.nodes = nodes
        self.output = output
        self.input_shape = input_shape
        self.output_shape = output_shape
        self.batch = batch
        self.inference_rows = batch
        self.dtype = dtype
        self.input_gradient = input_gradient
        self.outputs: dict[str, str] = {}
        self.d_x: str | None = None  # where the gradient on the input ends up
        self.lists: dict[str, list[Instruction]] = {}
        self.wanted: list[Wanted] = []
        self.carried: list[Instruction] = []  # at the end of inference: states for the next call

    # Forward --------------------------------------------------------------------------------

    def inference(self, rows: int, loss: Loss | None) -> None:
        self.inference_rows = rows
        self.wanted = []
        lines, places = list[Instruction](), {INPUT_VALUE: "input"}
        for node in self.nodes:
            if node.layer.inference_is_identity and not node.activation:
                places[node.output] = places[node.inputs[0]]
                continue
            y = self._want(f"{node.name}.y'", (rows, *node.after))
            lines += self._inference_lines(node, places, y, rows)
            places[node.output] = y
        # What rows hand on to the next prediction; an evaluation hands nothing on.
        self.carried = [self._track_line(node, rows, "'") for node in self.nodes
                        if node.layer.states(node.before)]
        self.lists["inference"] = lines + self.carried
        self.outputs["inference"] = places[self.output]
        self._common("'")
        evaluation, scores = list(lines), places[self.output]
        if loss is not None:
            evaluation.append(self._loss_line(loss, scores, None, rows, "'", self.output_shape))
        self.lists["evaluation"] = evaluation
        self._keep(scores)

    def _inference_lines(self, node: Node, places: Mapping[int, str], y: str,
                         rows: int) -> list[Instruction]:
        layer = node.layer
        idle = node.dropout[0] if node.dropout and node.dropout[1].inference_is_identity else None
        members = tuple(m for m in node.members if m != idle)
        if layer.kernel is None:
            buffers = {"x": places[node.inputs[0]], "y": y, **self._arrays(node)}
            return [Instruction("python.inference", members, buffers, {})]
        if layer.own_inference:
            buffers = {**self._inputs(node, places), "y": y, **self._arrays(node)}
            return [Instruction(f"{layer.kernel}.inference", members, buffers,
                                self._numbers(node, rows, training=False))]
        return self._kernel_forward(node, places, y, rows, "'", members)

    def _forward_lines(self, node: Node, places: Mapping[int, str], y: str) -> list[Instruction]:
        members = tuple(node.members)
        if node.layer.kernel is None:
            buffers = {"x": places[node.inputs[0]], "y": y, **self._arrays(node)}
            return [Instruction("python.forward", members, buffers, {},
                                "no kernel: runs its definition")]
        return self._kernel_forward(node, places, y, self.batch, "", members)

    def _kernel_forward(self, node: Node, places: Mapping[int, str], y: str, rows: int, mark: str,
                        members: tuple[str, ...]) -> list[Instruction]:
        layer = node.layer
        buffers = {**self._inputs(node, places), "y": y, **self._arrays(node)}
        space = node.workspace(0 if mark else rows, self._matrix_rows(node, rows))
        for slot, shape in space.items():
            buffers[slot] = self._want(f"{node.name}.{slot}{mark}", shape)
        for slot, shape in layer.working(node.before, backward=False).items():
            buffers[slot] = self._want(f"{node.name}.{slot}{mark}", shape)
        buffers["scratch"] = "scratch" + mark
        numbers = self._numbers(node, rows, training=not mark)
        lines = []
        if not (mark and layer.made_in_training_only):
            for slot, shape in layer.made(node.before).items():
                made = self._want(f"{node.name}.made_{slot}{mark}", shape)
                lines.append(self._made_line(node, "forward", shape, {"made": made}))
                buffers[slot] = made
        return [*lines, Instruction(f"{layer.kernel}.forward", members, buffers, numbers)]

    def _made_line(self, node: Node, way: str, shape: Shape,
                   buffers: Mapping[str, str]) -> Instruction:
        """Makes an array from others, or their gradients from its."""
        layer = node.layer
        own = {slot: f"{node.name}.{slot}" for slot in layer.made_from}
        if way == "backward":
            own |= {f"d_{slot}": f"{node.name}.{slot}.gradient" for slot in layer.made_from}
        numbers = {"made_rows": math.prod(shape[:-1]), "made_columns": shape[-1],
                   **self._numbers(node, self.batch, training=True)}
        return Instruction(f"{layer.transform}.{way}", (node.name,), {**own, **buffers}, numbers)

    # Training -------------------------------------------------------------------------------

    def training(self, loss: Loss | None, augment: Augmentation | None) -> None:
        forward: list[Instruction] = []
        places = {INPUT_VALUE: "input"}
        side: dict[str, str] = {}
        if loss is not None and augment is not None:
            forward, side = self._mixed(loss, augment)
            places[INPUT_VALUE] = "mixed_input"
        moments = shared_moments(self.nodes, self.batch, self._want)
        nodes, output, judged = self._judged(loss)
        for node in nodes:
            y = self._want(f"{node.name}.y", (self.batch, *node.after))
            lines = self._forward_lines(node, places, y)
            if node.name in moments:
                names, note = moments[node.name]
                lines[-1] = replace(lines[-1], note=note,
                                    buffers={**lines[-1].buffers, **names})
            forward += lines
            places[node.output] = y
        scores = places[output]
        loss_lines, d_y = [], "output_gradient"
        if loss is not None:
            d_y = self._want("scores.gradient", (self.batch, *judged))
            line = self._loss_line(loss, scores, d_y, self.batch, "", judged)
            if augment is not None and augment.mixes:
                line = replace(line, buffers={**line.buffers, **side},
                               numbers={**line.numbers, "mixes": 1})
            loss_lines.append(line)
        backward = self._backward(nodes, output, places, d_y)
        self._common("")
        self.outputs["gradient" if loss is not None else "forward"] = scores
        if loss is None:
            self.lists["forward"] = forward
            self.lists["backward"] = backward
            self._keep(scores)
        else:
            self.lists["gradient"] = forward + loss_lines + backward
            self._want("batch_input", (self.batch, *self.input_shape), always=True)
            self._want("batch_target", (self.batch, *self.target_shape(loss)),
                       self.target_dtype(loss), always=True)
            self._want("batch_weights", (self.batch,), always=True)
            self._want("batch_lengths", (self.batch,), "int32", always=True)
        if self.d_x is not None:
            self._keep(self.d_x)
        self.lists["update"] = [
            self._track_line(node, self.batch, "")
            for node in self.nodes if node.layer.tracks and loss is not None
        ]

    def _judged(self, loss: Loss | None) -> tuple[Sequence[Node], int, Shape]:
        """The nodes that training runs, and the value that its loss reads, with its shape."""
        last = self.nodes[-1] if self.nodes else None
        if loss is None or last is None or not last.layer.judged_before or len(last.members) > 1:
            return self.nodes, self.output, self.output_shape
        return self.nodes[:-1], last.inputs[0], last.before

    def _mixed(self, loss: Loss, augment: Augmentation) -> tuple[list[Instruction], dict[str, str]]:
        """The augmentation's lines, and which slots of the loss then read which buffers."""
        parts = {"input": self.input_shape, **({"weights": ()} if augment.mixes else {})}
        if augment.mixes and not loss.targets_are_classes:  # classes are mixed within the loss
            parts["target"] = self.output_shape
        lines, side = [], {}
        for name, shape in parts.items():
            y = self._want(f"mixed_{name}", (self.batch, *shape))
            kernel = augment.kernel if name == "input" else "mixup"
            lines.append(Instruction(kernel, (), {"x": name, "y": y},
                                     {"columns": math.prod(shape)}, f"{augment}: {name}"))
            if name != "input":
                side[name] = y
        return lines, side

    def _track_line(self, node: Node, rows: int, mark: str) -> Instruction:
        layer = node.layer
        kept = {slot: f"{node.name}.{slot}{mark}" for slot in layer.workspace(node.before, 1)}
        states = {slot: f"{node.name}.{slot}" for slot in layer.states(node.before)}
        return Instruction(f"{layer.kernel}.track", (node.name,),
                           {**kept, **states, **self._arrays(node)},
                           self._numbers(node, rows, training=True))

    def _backward(self, nodes: Sequence[Node], output: int, places: Mapping[int, str],
                  d_scores: str) -> list[Instruction]:
        """Gradients flow against the order of the nodes; where several nodes read a value, the
        gradients that they give it are added up."""
        lines: list[Instruction] = []
        wanted = {INPUT_VALUE: self.input_gradient}
        for node in nodes:
            trainable = any(s.trainable for s in node.layer_arrays.values())
            wanted[node.output] = trainable or any(wanted[v] for v in node.inputs)
        given: dict[int, list[str]] = {output: [d_scores]}
        shared = {"output_gradient"}  # gradients that nobody may change in place

        for node in reversed(nodes):
            parts = given.pop(node.output, [])
            if not wanted[node.output] or not parts:
                continue
            d_y = self._added(parts, f"{node.name}.d_y", node.after, lines)
            if isinstance(node.layer, Joined):
                lines += self._join_backward(node, places, d_y, wanted, given, shared)
                continue
            d_x = None
            source = node.inputs[0]
            if wanted[source]:
                in_place = node.layer.backward_in_place or node.layer.kernel == "elementwise"
                if in_place and d_y not in shared:
                    d_x = d_y
                else:
                    d_x = self._want(f"{node.name}.d_x", (self.batch, *node.before))
                given.setdefault(source, []).append(d_x)
            lines += self._backward_lines(node, places, d_y, d_x, d_y in shared)
        if self.input_gradient:
            parts = given.get(INPUT_VALUE, [])
            if parts:
                self.d_x = self._added(parts, "d_input", self.input_shape, lines)
        return lines

    def _added(self, parts: Sequence[str], name: str, shape: Shape,
               lines: list[Instruction]) -> str:
        """One gradient of several: their sum in a new buffer."""
        if len(parts) == 1:
            return parts[0]
        total = self._want(name, (self.batch, *shape))
        slots = {f"x_{i + 1}": part for i, part in enumerate(parts)}
        lines.append(Instruction(
            "sum.forward", (), {**slots, "y": total},
            {"rows_per_example": math.prod(shape[:-1]), "columns": shape[-1]},
            "gradients of a value that several layers read",
        ))
        return total

    def _join_backward(
        self, node: Node, places: Mapping[int, str], d_y: str, wanted: Mapping[int, bool],
        given: dict[int, list[str]], shared: set[str],
    ) -> list[Instruction]:
        lines, members = [], tuple(node.members)
        numbers = self._numbers(node, self.batch, training=True)
        if node.has_epilogue:
            d_z = d_y
            if d_y in shared:
                d_z = self._want(f"{node.name}.d_z", (self.batch, *node.after))
            lines.append(Instruction(
                "elementwise.backward", members,
                {"y": places[node.output], "d_y": d_y, "d_x": d_z}, numbers,
            ))
            d_y = d_z
        if node.layer.kernel == "sum":
            # The gradient of each summand is the sum's own.
            shared.add(d_y)
            for value in node.inputs:
                if wanted[value]:
                    given.setdefault(value, []).append(d_y)
            return lines
        layer = node.layer
        assert isinstance(layer, Joined)
        buffers = {"d_y": d_y}
        if layer.join == "average":
            buffers |= self._inputs(node, places)
        for i, (value, part) in enumerate(zip(node.inputs, layer.parts, strict=True)):
            if wanted[value]:
                shape = part.output_shape(node.before)
                d_x = self._want(f"{node.name}.d_x_{i + 1}", (self.batch, *shape))
                given.setdefault(value, []).append(d_x)
                buffers[f"d_x_{i + 1}"] = d_x
        lines.append(Instruction(f"{layer.kernel}.backward", members, buffers, numbers))
        return lines

    def _backward_lines(self, node: Node, places: Mapping[int, str], d_y: str, d_x: str | None,
                        is_shared: bool) -> list[Instruction]:
        layer = node.layer
        buffers = {**self._inputs(node, places), "y": places[node.output], "d_y": d_y,
                   **self._arrays(node)}
        if d_x is not None:
            buffers["d_x"] = d_x
        for slot, spec in node.layer_arrays.items():
            if spec.trainable and slot not in node.cancelled:
                buffers[f"d_{slot}"] = f"{node.name}.{slot}.gradient"
        if layer.kernel is None:
            return [Instruction("python.backward", tuple(node.members), buffers, {})]
        for slot in node.workspace(self.batch, 1):
            buffers[slot] = f"{node.name}.{slot}"
        for slot in node.not_read_again(self.batch):
            buffers.pop(slot)
        for slot, shape in layer.working(node.before, backward=True).items():
            buffers[slot] = self._want(f"{node.name}.{slot}.backward", shape)
        if node.has_epilogue:
            # The gradient behind the epilogue takes the place of the one in front of it.
            buffers["d_z"] = d_y
            if is_shared:
                buffers["d_z"] = self._want(f"{node.name}.d_z", (self.batch, *node.after))
        buffers["scratch"] = "scratch"
        lines = []
        for slot, shape in layer.made(node.before).items():
            gradient = self._want(f"{node.name}.made_{slot}.gradient", shape)
            made = {"made": f"{node.name}.made_{slot}", "d_made": gradient}
            lines.append(self._made_line(node, "backward", shape, made))
            for name in layer.made_from:
                buffers.pop(f"d_{name}", None)
            buffers |= {slot: made["made"], f"d_{slot}": gradient}
        note = "no gradient for " + ", ".join(node.cancelled) if node.cancelled else ""
        return [Instruction(f"{layer.kernel}.backward", tuple(node.members), buffers,
                            self._numbers(node, self.batch, training=True), note), *lines]

    # Parts ----------------------------------------------------------------------------------

    def target_shape(self, loss: Loss | None) -> Shape:
        """Of one example: a class number for each row of scores, or as many numbers as scores."""
        if loss is not None and loss.targets_are_classes:
            return self.output_shape[:-1] or (1,)
        return self.output_shape

    def target_dtype(self, loss: Loss | None) -> str:
        return "int32" if loss is not None and loss.targets_are_classes else self.dtype

    def _want(self, name: str, shape: Shape, dtype: str | None = None,
              always: bool = False) -> str:
        self.wanted.append(Wanted(name, shape, dtype or self.dtype, always))
        return name

    def hold(self, buffers: Mapping[str, Shape]) -> None:
        """Wants buffers that other lines than those of this class use."""
        for name, shape in buffers.items():
            self._want(name, shape)

    def _keep(self, name: str) -> None:
        """Keeps a buffer to the end of its list, for whoever reads it afterwards."""
        self.wanted = [
            Wanted(w.name, w.shape, w.dtype, True) if w.name == name else w for w in self.wanted
        ]

    def _common(self, mark: str) -> None:
        columns = [1, *(node.after[-1] for node in self.nodes)]
        columns += [math.prod(node.before[-node.layer.row_axes :]) for node in self.nodes]
        self._want("scratch" + mark, (2 * _MAX_BLOCKS, max(columns)), "float64", always=True)

    def _inputs(self, node: Node, places: Mapping[int, str]) -> dict[str, str]:
        """The slots of what a node reads: x, or x_1, x_2, ... where branches join."""
        if isinstance(node.layer, Joined):
            return {f"x_{i + 1}": places[value] for i, value in enumerate(node.inputs)}
        slots = {"x": places[node.inputs[0]]}
        if node.layer.takes_lengths:
            slots["lengths"] = "lengths"
        for slot in node.layer.states(node.before):
            slots[slot] = f"{node.name}.{slot}"
        return slots

    def _arrays(self, node: Node) -> dict[str, str]:
        return {slot: f"{node.name}.{slot}" for slot in node.layer_arrays}

    def _matrix_rows(self, node: Node, rows: int) -> int:
        return rows * math.prod(node.before[: -node.layer.row_axes])

    def _numbers(self, node: Node, rows: int, training: bool) -> dict[str, float]:
        after = node.layer.output_shape(node.before)
        axes = node.layer.row_axes
        numbers: dict[str, Any] = {
            "rows_per_example": math.prod(after[:-axes]),
            "columns": math.prod(after[-axes:]),
            "planned_rows": self._matrix_rows(node, rows),
            "planned_examples": rows,
            **node.layer.numbers(node.before),
        }
        if node.activation is not None:
            numbers["activation"] = node.activation.activation_code
            numbers |= node.activation.numbers(node.before)
        if node.dropout is not None:
            name, layer = node.dropout
            numbers |= layer.epilogue_numbers(name, training)
        if training and node.layer.draws:
            numbers["stream"] = float(stream_of(node.name))
        return numbers

    def _loss_line(self, loss: Loss, x: str, d_x: str | None, rows: int, mark: str,
                   judged: Shape) -> Instruction:
        buffers = {"x": x, "target": "target", "scalars": "scalars", "weights": "weights"}
        if self.output_shape[:-1] == self.input_shape[:1]:
            buffers["lengths"] = "lengths"
        if d_x is not None:
            buffers["d_x"] = d_x
        parts = min(bands(judged), math.prod(judged[:-1]))
        buffers["row_loss"] = self._want("row_loss" + mark, (rows, parts, 4), "float64")
        return Instruction(loss.kernel, (), buffers, {
            "rows_per_example": math.prod(judged[:-1]), "columns": judged[-1], "bands": parts,
            "over_rows": loss.mean_over == "rows", "shares_target": judged != self.output_shape,
            **loss.numbers(judged[-1]),
        })
