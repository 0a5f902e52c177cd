"""Watches a training of PyTorch's."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..records import LayerInfo, Probe, TrainingRecord
from .arrays import (
    measure_outputs,
    norm_of_change,
    output_gradient,
)
from .collected import Collected, Watched, layer_probe
from .pace import Pace
from .torch_data import as_array, channels_last, evaluating, sample_of, scores_of
from .torch_graph import Graph
from .torch_measures import (
    has_channels_first,
    layers_of,
    measure_kernels,
    statistics_gaps,
    tensors_of,
)
from .torch_modules import (
    RESHAPING,
    kernels,
    loss_info,
    module_info,
    module_kind,
    optimizer_info,
)
from .torch_recurrent import saturated_gates


def watch_torch(
    module: Any, optimizer: Any, loss: Any = None, *, data: Any = None, validation: Any = None,
    epochs: int | None = None,
) -> TorchWatcher:
    """Watches a training of PyTorch's; changes no bit of it.

    Call ``watcher.step(loss)`` once a step, behind ``loss.backward()``, and before the gradients
    are clipped, where they are; ``watcher.epoch(...)`` once an epoch. Hooks on the modules and on
    ``optimizer.step`` do the rest. Now and then a step is looked at, for 1 % of the time.

    Arguments:
        module: that is trained. Its modules are layers; functions such as ``relu`` between them
            are found in the graph of gradients.
        optimizer: of ``torch.optim``.
        loss: the criterion: a module, or a function of ``torch.nn.functional``; so that the doctor
            knows it, and training rows are scored in evaluation mode.
        data, validation: (x, y) tensors or arrays, a ``Dataset`` or a ``DataLoader``, for
            summaries, and with `loss` for their losses each epoch. A sample of them is read.
        epochs: how many there will be. Where it is not known, the record counts as that of a whole
            training whenever it is asked for.

    Returns:
        A :class:`TorchWatcher`: ``record``, ``diagnosis``, ``write(path)``, ``close()``.

    Raises:
        ConfigurationError: what is no module, or no optimizer.

    Example:
        >>> import torch
        >>> import evenly as ev
        >>> module = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(),
        ...                              torch.nn.Linear(8, 2))
        >>> optimizer, criterion = torch.optim.SGD(module.parameters(), 0.1), torch.nn.MSELoss()
        >>> watcher = ev.watch_torch(module, optimizer, criterion)
        >>> for _ in range(3):
        ...     optimizer.zero_grad()
        ...     loss = criterion(module(torch.ones(6, 4)), torch.zeros(6, 2))
        ...     loss.backward()
        ...     watcher.step(loss)
        ...     _ = optimizer.step()
        >>> [layer.kind for layer in watcher.record.network.layers]
        ['dense', 'relu', 'dense']
    """
    import torch

    if not isinstance(module, torch.nn.Module):
        raise ConfigurationError(f"watch_torch: expects a torch.nn.Module, got {module!r}")
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise ConfigurationError(f"watch_torch: expects a torch.optim.Optimizer, got {optimizer!r}")
    return TorchWatcher(module, optimizer, loss, data, validation, epochs)


class TorchWatcher(Watched):
    """What :func:`watch_torch` gives.

    Attributes:
        module, optimizer: that are watched.
    """

    def __init__(
        self, module: Any, optimizer: Any, loss: Any, data: Any, validation: Any,
        epochs: int | None,
    ) -> None:
        self.module, self.optimizer = module, optimizer
        self._criterion = loss
        self._collected = kept = Collected("torch", epochs)
        kept.loss, kept.optimizer = loss_info(loss), optimizer_info(optimizer)
        self._pace = Pace(epochs)
        self._layers = layers_of(module)
        self._last_first = False  # whether the last output had its channels first
        self._channels_first: dict[str, bool] = {}
        self._scored = (0, 0.0)
        self._samples = [sample_of(part) for part in (data, validation)]
        first = next((module_kind(own) for own in self._layers.values()), "")
        own, other = (channels_last(sample) if first == "conv" else sample
                      for sample in self._samples)
        kept.describe_data(own, other, indices=first == "embedding")
        self._handles = [
            module.register_forward_pre_hook(self._begins),
            *(own.register_forward_pre_hook(partial(self._enters, name), with_kwargs=False)
              for name, own in self._layers.items()),
            *(own.register_forward_hook(partial(self._leaves, name))
              for name, own in self._layers.items()),
            module.register_forward_hook(self._ends),
            optimizer.register_step_pre_hook(self._updates),
            optimizer.register_step_post_hook(self._updated),
        ]
        self._reset()
        self._arm()

    def _reset(self) -> None:
        """Forgets the look that is over."""
        self._told: dict[str, dict[str, Any]] = {}
        self._sources: dict[str, tuple[str, ...]] = {}
        self._graph: Graph | None = None
        self._looking = self._running = self._measured = self._is_updated = False
        self._loss: Any = None
        self._rows = 0
        self._norm: float | None = None
        self._before: dict[str, list[Any]] = {}
        self._clipped: bool | None = None
        self._cost = 0.0

    def _arm(self) -> None:
        self._looking = self._collected.steps >= self._pace.due

    # Hooks -----------------------------------------------------------------------------------

    def _begins(self, module: Any, inputs: Any) -> None:
        import torch

        self._running = (self._looking and self._graph is None and module.training
                         and torch.is_grad_enabled())
        if self._running:
            self._graph = Graph(self._function)
            tensors = tensors_of(inputs)
            self._rows = len(tensors[0]) if tensors and tensors[0].ndim else 0
            self._shape = tuple(tensors[0].shape[1:]) if tensors else ()

    def _enters(self, name: str, module: Any, inputs: Any) -> None:
        if not self._running or self._graph is None:
            return
        with self._timed():  # before the module may change its input in place
            self._sources[name] = self._graph.sources(tensors_of(inputs))
            if module_kind(module) == "batch_norm" and name not in self._told:
                self._told[name] = statistics_gaps(module, tensors_of(inputs)[0])

    def _leaves(self, name: str, module: Any, inputs: Any, outputs: Any) -> None:
        if not self._running:
            return
        with self._timed():
            assert self._graph is not None
            tensors = tensors_of(outputs)
            sources = self._sources[name]
            if not tensors or not tensors[0].is_floating_point():
                return
            output = tensors[0]
            if type(module).__name__ in RESHAPING:
                self._graph.passed(output, sources)
                return
            behind = [self._channels_first.get(source, output.ndim == 4) for source in sources]
            first = has_channels_first(module, output, behind)
            self._channels_first[name] = first
            info = module_info(name, module, sources, tuple(output.shape[1:]))
            self._graph.add(info, output)
            if "dead_share" not in self._told.setdefault(name, {}):
                self._outputs(name, info, module, output, first)
                gates = saturated_gates(module, tensors_of(inputs)[0], output)
                if gates is not None:
                    self._told[name]["saturated_share"] = gates
                if output.requires_grad:
                    output.register_hook(partial(self._flows, name))

    def _ends(self, module: Any, inputs: Any, outputs: Any) -> None:
        if not self._running:
            return
        self._running = False
        with self._timed():
            assert self._graph is not None
            parameters = sum(p.numel() for p in module.parameters() if p.requires_grad)
            names = self._graph.sources(tensors_of(outputs))
            self._collected.network = self._graph.network(names, self._shape, parameters)
            self._collected.batch = self._collected.batch or self._rows

    def _function(self, name: str, kind: str, output: Any, node: Any) -> None:
        """A function between modules that is a layer of its own."""
        told = self._told.setdefault(name, {})
        if output is not None:
            array = as_array(output)
            if array.ndim == 4:
                array = np.moveaxis(array, 1, -1)
            outputs = measure_outputs(array, kind)
            told |= outputs.told
            told["dead_share"] = self._collected.dead.share(name, outputs.zero_units)

        def flows(into: Any, out: Any) -> None:
            if out and out[0] is not None:
                self._flows(name, out[0])

        node.register_hook(flows)

    def _flows(self, name: str, gradient: Any) -> None:
        told = self._told.get(name)
        if told is not None and "output_gradient" not in told:
            with self._timed():
                told["output_gradient"] = output_gradient(as_array(gradient))

    def _updates(self, *_: Any) -> None:
        if not self._looking or self._graph is None:
            return
        with self._timed():
            if self._measured:
                self._compare(self._gradient_norm())
            else:
                self._gradients()
            self._before = {name: [as_array(kernel).copy() for _, kernel in kernels(own)]
                            for name, own in self._layers.items()}

    def _compare(self, after: float | None) -> None:
        """The norm of the gradients as they are used, against what it was behind backward."""
        if not self._norm or not after:
            return
        halvings = math.log2(self._norm / after)
        if halvings >= 1 and abs(halvings - round(halvings)) < 1e-3:
            self._norm = after  # the scale of mixed precision, taken out
            return
        self._clipped = after < self._norm * (1 - 1e-4)
        known = self._collected.optimizer
        if self._clipped and known is not None:
            self._collected.optimizer = replace(known, clip="global_norm", clip_limit=after)

    def _updated(self, *_: Any) -> None:
        if self._looking and self._graph is not None:
            with self._timed():
                for name, before in self._before.items():
                    if before:
                        after = [as_array(kernel) for _, kernel in kernels(self._layers[name])]
                        self._told.setdefault(name, {})["update_ratio"] = norm_of_change(
                            before, after
                        )
        self._is_updated = True
        if self._loss is not None:
            self._step_is_over()

    # What the training calls -----------------------------------------------------------------

    def step(self, loss: Any) -> None:
        """A step: behind ``loss.backward()``, and before clipping. (Behind ``optimizer.step()`` it
        serves too, but then clipping is not seen.)

        Arguments:
            loss: of the batch, a tensor or a number.
        """
        if self._loss is not None:  # no update followed: gradients are added up
            self._step_is_over()
        self._loss = loss.detach() if hasattr(loss, "detach") else float(loss)
        if self._looking and self._graph is not None and not self._measured:
            with self._timed():
                self._gradients()
        if self._is_updated:
            self._step_is_over()

    def _step_is_over(self) -> None:
        loss, kept = self._loss, self._collected
        rate = float(self.optimizer.param_groups[0]["lr"])
        if self._looking and self._graph is not None:
            kept.probe(Probe(
                kept.steps, kept.epoch_number, float(loss), self._norm, rate, self._rows,
                {name: layer_probe(told) for name, told in self._ordered().items()},
            ), self._clipped)
            kept.rows_of_batch_norm = {
                info.name: self._rows * (math.prod(info.shape[1:]) if
                                         self._channels_first.get(info.name) else 1)
                for info in (kept.network.layers if kept.network is not None else ())
                if info.kind == "batch_norm"
            }
            self._pace.looked(kept.steps, self._cost)
        kept.step(loss)
        self._reset()
        self._arm()

    def _ordered(self) -> dict[str, dict[str, Any]]:
        network = self._collected.network
        names = [layer.name for layer in network.layers] if network is not None else []
        return {name: self._told.get(name, {}) for name in dict.fromkeys([*names, *self._told])}

    def epoch(
        self, *, score: float | None = None, train_loss: float | None = None,
        train_score: float | None = None, validation_loss: float | None = None,
        validation_score: float | None = None,
    ) -> None:
        """An epoch is over. What is not given is measured where `data`, `validation` and `loss`
        are known, in evaluation mode.

        Arguments:
            score: of the epoch's rows in training mode: accuracy, or R^2.
            train_loss, train_score: of training rows in evaluation mode.
            validation_loss, validation_score: in evaluation mode.
        """
        if self._loss is not None:  # no update follows it in this epoch
            self._step_is_over()
        begin = time.process_time()
        told: dict[str, Any] = {
            "score": score, "train_loss": train_loss, "train_score": train_score,
            "validation_loss": validation_loss, "validation_score": validation_score,
        }
        kept = self._collected
        number, (last, cost) = kept.epoch_number, self._scored
        if self._pace.worth(number, cost, last):
            measured = self._evaluated()
            told = {name: measured.get(name) if told.get(name) is None else told[name]
                    for name in {**told, **measured}}
            self._scored = number, time.process_time() - begin
        rate = float(self.optimizer.param_groups[0]["lr"])
        if kept.optimizer is not None and rate != kept.optimizer.learning_rate:
            kept.optimizer = replace(kept.optimizer, schedule=kept.optimizer.schedule or "changing")
        kept.epoch(**told, learning_rate=rate)
        self._pace.took(time.process_time() - begin)
        self._pace.epoch(kept.epoch_number, kept.steps)
        self._arm()

    def close(self) -> None:
        """Takes the hooks away."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    @property
    def record(self) -> TrainingRecord:
        """What was measured so far."""
        return self._collected.record(self._pace.spent)

    # Parts -----------------------------------------------------------------------------------

    @contextmanager
    def _timed(self) -> Iterator[None]:
        import torch

        begin = time.process_time()
        with torch.no_grad(), np.errstate(all="ignore"):
            yield
        self._cost += time.process_time() - begin

    def _outputs(self, name: str, info: LayerInfo, module: Any, output: Any, first: bool) -> None:
        array = as_array(output)
        if info.kind in ("rnn", "lstm", "gru") and not module.batch_first and array.ndim == 3:
            array = np.moveaxis(array, 1, 0)
        elif first and array.ndim > 2:
            array = np.moveaxis(array, 1, -1)
        kind = "tanh" if info.kind == "rnn" and module.nonlinearity == "tanh" else info.kind
        outputs = measure_outputs(array, kind)
        self._told[name] |= outputs.told
        self._told[name]["dead_share"] = self._collected.dead.share(name, outputs.zero_units)

    def _gradient_norm(self) -> float | None:
        import torch

        gradients = [p.grad for p in self.module.parameters() if p.grad is not None]
        if not gradients:
            return None
        norms = [torch.linalg.vector_norm(g.detach()).float() for g in gradients]
        return float(torch.linalg.vector_norm(torch.stack(norms)))

    def _gradients(self) -> None:
        """Weights and their gradients, before clipping."""
        self._measured = True
        self._norm = self._gradient_norm()
        for name, own in self._layers.items():
            told = measure_kernels(own)
            if told:
                self._told.setdefault(name, {}).update(told)

    def _evaluated(self) -> dict[str, Any]:
        """Losses and scores of the samples in evaluation mode; everything is left as it was."""
        if self._criterion is None or not any(self._samples):
            return {}
        told: dict[str, Any] = {}
        with evaluating(self.module):
            for part, sample in zip(("train", "validation"), self._samples, strict=True):
                if sample is not None:
                    told |= scores_of(self.module, self._criterion, sample, part,
                                    self._collected.loss)
        return told
