"""Runs a section of a derivation, and holds every line of it against what it claims.

``d_name`` is compared with numeric differentiation of the definition by ``name``, wherever in the
definition that stands; a name that the page in ``src/evenly`` notes, with what is noted there; the
results with the page's own and the kernel's.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import evenly as ev

from .pages import Line, Section, sections
from .vocabulary import SEED, Names, vocabulary

STEPS = 7
# Of the largest number compared. A difference quotient errs by 1e-11 or so.
NUMERIC, SAME = 1e-8, 1e-11


class Wrong(Exception):
    """A line that does not hold."""


def run(line: Line, names: Names) -> None:
    """Runs a line; one that compares must hold."""
    statement = line.statement
    if line.name is not None:
        exec(_code(line.text, line.where, "exec"), names)
        return
    compared: Any = statement.value  # type: ignore[attr-defined]
    sides = [eval(_code(ast.unparse(side), line.where, "eval"), names)
             for side in (compared.left, compared.comparators[0])]
    if np.ndim(sides[1]) == 0:
        sides[1] = sides[1] + np.zeros(np.shape(sides[0]))
    agree(line, *sides, SAME, "the two sides differ")


_code = functools.lru_cache(10_000)(compile)


def agree(line: Line, got: Any, wanted: Any, tolerance: float, otherwise: str) -> None:
    """Raises unless the numbers agree, in whatever shape broadcasting left them."""
    got, wanted = np.asarray(got, float), np.asarray(wanted, float)
    if got.ndim in (0, wanted.ndim) and got.size < wanted.size:
        got = np.broadcast_to(got, wanted.shape)  # the same for all, such as for every row
    if got.size != wanted.size:
        raise Wrong(f"{line.where}: `{line.text}`: has shape {got.shape}, not {wanted.shape}")
    apart = float(np.abs(got.ravel() - wanted.ravel()).max(initial=0))
    largest = max(1e-3, float(np.abs(wanted).max(initial=0)))
    if not (np.isfinite(largest) and apart <= tolerance * largest):
        raise Wrong(f"{line.where}: `{line.text}`: {otherwise}, by {apart / largest:.1e}")


@dataclass
class Reference:
    """What the library says of a section's case."""

    notes: dict[str, list[Any]] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    # Whose notes count: a container's own, not those of what it holds.
    layers: tuple[str, ...] = ("",)

    def note(self, layer: str, name: str, value: Any, formula: str) -> Any:
        noted = self.notes.setdefault(name, []) if layer in self.layers else [value]
        if not any(np.array_equal(value, other) for other in noted):
            noted.append(np.array(value))
        return value

    def noted(self, name: str) -> Any:
        """What is noted of a name; of ``h_2`` where h is noted in each step, the second step's.
        Backward goes through the steps from the last to the first. None: nothing."""
        if name in self.results:
            return self.results[name]
        if len(self.notes.get(name, ())) == 1:
            return self.notes[name][0]
        base, _, number = name.rpartition("_")
        several = self.notes.get(base, [])
        if len(several) > 1 and number.isdigit():
            return several[-int(number) if base.startswith("d_") else int(number) - 1]
        return None

    def wanted(self) -> set[str]:
        """Every name that is to be derived."""
        several = {f"{name}_{i + 1}" for name, notes in self.notes.items() if len(notes) > 1
                   for i in range(len(notes))}
        return {name for name, notes in self.notes.items() if len(notes) == 1} | several | set(
            self.results)


class Case:
    """A section with its random values, ready to judge its lines, or changed ones."""

    def __init__(self, section: Section) -> None:
        self.section = section
        self.names = vocabulary(section.seed)
        before = set(self.names)
        exec(compile(section.given, section.where, "exec"), self.names)
        self.inputs = [name for name in self.names if name not in before | {"__builtins__"}]
        self.local = set(self.names.get("local", ()))
        self.output = section.definition[-1].name if section.definition else None
        self.reference = Reference()
        self._slopes: dict[tuple[str, str], Any] = {}
        self.after: Names = {}  # what the lines left when they ran last
        if "layer" in self.names:
            self._layer(self.names["layer"])
        elif "loss" in self.names:
            self._loss(self.names["loss"])
        self._random_output()

    def _settings(self, declared: Any) -> None:
        for name, value in vars(declared).items():
            if isinstance(value, int | float) and name not in self.inputs:
                self.names[name] = value

    def _layer(self, layer: ev.Layer) -> None:
        self._settings(layer)
        x, given = self.names["x"], self.names.get("run", ev.Run(training=True))
        net = layer if isinstance(layer, ev.Sequential) else ev.Sequential([layer])
        own = f"{layer.type_name}_1."
        self.reference.layers = ("", own[:-1])
        generator = np.random.default_rng(SEED)
        arrays, short = {}, {}
        for full, spec in net.arrays(x.shape[1:]).items():
            array = short[full] = full.removeprefix(own).replace(".", "_")
            value = generator.standard_normal(spec.shape)
            if array not in self.inputs:
                self.names[array] = 0.5 + np.abs(value) if "variance" in array else value
                self.inputs.append(array)
            arrays[full] = self.names[array]
        states = {own + name: state for name, state in self.names.get("states", {}).items()}
        arrays |= states
        training = ev.Run(training=given.training, seed=SEED, lengths=given.lengths,
                          recorder=self.reference.note)
        y, saved = net.forward(x, arrays, training)
        d_y = self.names["d_y"] = generator.standard_normal(y.shape)
        d_x, gradients = net.backward(d_y, arrays, saved, training)
        self.reference.results = {"y": y} | ({} if layer.reads_indices else {"d_x": d_x}) | {
            f"d_{short[full]}": gradient for full, gradient in gradients.items()}
        if layer.reshapes or "no_kernel" in self.names:
            return
        program = ev.compile(net, x.shape[1:], batch=len(x), dtype="float64")
        weights = {full: arrays[full] for full in short}
        engine = ev.Engine(program, seed=SEED, weights=weights, threads=1)
        for full, state in states.items():
            engine.states[full][: len(x)] = state
        extra = {} if given.lengths is None else {"lengths": given.lengths}
        kernel = {"y": engine.forward(x, **extra)}
        kernel["d_x"], gradients = engine.backward(d_y.reshape(kernel["y"].shape))
        kernel |= {f"d_{short[full]}": gradient for full, gradient in gradients.items()}
        line = Line(self.section.where, self.section.definition[-1].statement)
        for result, value in self.reference.results.items():
            if result in kernel:
                agree(line, kernel[result], value, 1e-10, f"the kernel's {result} is another")

    def _loss(self, loss: ev.Loss) -> None:
        self._settings(loss)
        scores, weights = self.names["scores"], self.names.get("w")
        given = self.names.get("target", self.names.get("label"))
        target = loss.prepare(given, scores.shape[1:], "float64")
        training = ev.Run(training=True, recorder=self.reference.note, weights=weights)
        value, saved = loss.forward(scores, target, training)
        d_scores = loss.backward(saved, training)
        self.reference.results = {"loss": value, "d_scores": d_scores}
        program = ev.compile([], scores.shape[1:], batch=len(scores), loss=loss, dtype="float64",
                             input_gradient=True)
        engine = ev.Engine(program, threads=1)
        got, d_kernel, _ = engine.gradients(scores, given, weights)
        line = Line(self.section.where, self.section.definition[-1].statement)
        agree(line, got, value, 1e-10, "the kernel's loss is another")
        agree(line, d_kernel, d_scores, 1e-10, "the kernel's d_scores is another")

    def _random_output(self) -> None:
        """The gradient on the last line of a definition that stands for no layer: random, or 1."""
        if self.output is None or "layer" in self.names or "rule" in self.names:
            return
        after = self._forward(self.section.definition)
        shape = np.shape(after[self.output])
        random = np.random.default_rng(SEED).standard_normal(shape)
        self.names.setdefault(f"d_{self.output}", random if shape else 1.0)

    def _forward(self, definition: list[Line]) -> Names:
        names = dict(self.names)
        for line in definition:
            run(line, names)
        return names

    def problem(self, definition: list[Line] | None = None,
                derivation: list[Line] | None = None) -> str | None:
        """The first line that does not hold, of the section or of others in its place."""
        definition = self.section.definition if definition is None else definition
        derivation = self.section.derivation if derivation is None else derivation
        try:
            with np.errstate(all="ignore"):
                if "rule" in self.names:
                    self._steps(self.names["rule"], [*definition, *derivation])
                else:
                    self._gradients(definition, derivation)
        except Wrong as wrong:
            return str(wrong)
        except Exception as error:
            return f"{self.section.where}: {type(error).__name__}: {error}"
        return None

    def _gradients(self, definition: list[Line], derivation: list[Line]) -> None:
        own = definition is self.section.definition
        names, seen = dict(self.names), {}
        for line in definition:
            run(line, names)
            if line.name is not None:
                seen[line.name] = line
                self._noted(line, names)
        places = {line.name: place for place, line in enumerate(definition) if line.name}
        derived: Names = {}
        for line in derivation:
            run(line, names)
            if line.name is None:
                continue
            if line.name in derived:
                agree(line, names[line.name], derived[line.name], 1e-9,
                      "is not what the line before it says")
            derived[line.name] = names[line.name]
            seen[line.name] = line
            self._noted(line, names)
            if line.name in self.names.get("slopes", {}):
                of, by = self.names["slopes"][line.name]
                wanted = self._slope(of, by, definition, places, own)
                agree(line, names[line.name] + 0 * wanted, wanted, NUMERIC,
                      f"is not the slope of {of} by {by}")
            source = line.name.removeprefix("d_")
            if source != line.name and line.name not in self.local and (
                    source in places or source in self.inputs):
                wanted = self._numeric(source, definition, places, own)
                agree(line, names[line.name], wanted, NUMERIC,
                      f"is not the numeric gradient by {source}")
        self.after = names
        for line in self.section.page:
            run(line, names)
        missing = sorted(self.reference.wanted() - set(self.names.get("leaves", ())) - set(seen))
        if missing:
            raise Wrong(f"{self.section.where}: nothing derives {', '.join(missing)}")

    def _noted(self, line: Line, names: Names) -> None:
        noted = self.reference.noted(str(line.name))
        stacked = "members_first" in self.names and line.name not in self.reference.results
        if stacked and np.ndim(noted) == 3:
            noted = np.swapaxes(noted, 0, 1)  # the page stacks them so
        if noted is not None and line.name not in self.names.get("leaves", ()):
            agree(line, names[str(line.name)], noted, SAME, "is not the page's")

    def _rest(self, name: str, definition: list[Line], places: dict[Any, int]) -> Any:
        """The definition from behind a name on, as a function of that name's value."""
        start = places.get(name, -1) + 1
        before = self._forward(definition[:start])
        codes = [_code(line.text, line.where, "exec") for line in definition[start:]
                 if line.name is not None]

        def rest(value: Any) -> Names:
            names = {**before, name: value}
            for code in codes:
                exec(code, names)
            return names

        return rest, np.asarray(before[name], float)

    def _numeric(self, name: str, definition: list[Line], places: dict[Any, int],
                 own: bool) -> Any:
        """The gradient of the output, weighted, by every number of a name."""
        if own and ("", name) in self._slopes:
            return self._slopes["", name]
        rest, value = self._rest(name, definition, places)
        output = str(definition[-1].name)
        d_output, gradient = self.names[f"d_{output}"], np.zeros(value.shape)
        for place in np.ndindex(value.shape):
            def cost(step: float, place: Any = place) -> float:
                moved = value.copy()
                moved[place] += step
                return float(np.sum(np.reshape(rest(moved)[output], np.shape(d_output)) * d_output))

            gradient[place] = _quotient(cost)
        if own:
            self._slopes["", name] = gradient
        return gradient

    def _slope(self, of: str, by: str, definition: list[Line], places: dict[Any, int],
               own: bool) -> Any:
        """The slope, number by number, of a name by another that it depends on element-wise."""
        if own and (of, by) in self._slopes:
            return self._slopes[of, by]
        rest, value = self._rest(by, definition, places)
        self._slopes[of, by] = slope = _quotient(lambda step: rest(value + step)[of])
        return slope

    def _steps(self, rule: ev.Optimizer, lines: list[Line]) -> None:
        """Runs the lines once a step, beside the rule and its kernel."""
        names = dict(self.names)
        self._settings(rule)
        names |= {name: value for name, value in vars(rule).items()
                  if isinstance(value, int | float)}
        value = np.array(names["value"], float)
        program = ev.compile([ev.Dense(value.shape[1], bias=False)], value.shape[0], batch=2,
                             loss=ev.MeanSquaredError(), optimizer=rule, dtype="float64")
        engine = ev.Engine(program, weights={"dense_1.kernel": value}, threads=1)
        state = tuple(np.zeros_like(value) for _ in rule.states)
        generator, past = np.random.default_rng(SEED), []
        for step in range(STEPS):
            names |= {"t": step + 1, "rate": rule.learning_rate}
            g = generator.standard_normal(value.shape)
            if "gradient" in names:
                g = names["gradient"](value)
            past.append(g)
            names |= {"g": g, "g_i": np.stack(past),
                      "i": np.arange(1, step + 2).reshape(-1, 1, 1)}
            seen: dict[str, Line] = {}
            for line in lines:
                run(line, names)
                if line.name is not None:
                    seen[line.name] = line
            self.reference.notes, self.after = {}, names
            training = ev.Run(training=True, step=step, recorder=self.reference.note)
            value, state = rule.update(value, g, state, training, decays=True)
            engine.gradient("dense_1.kernel")[...] = g
            engine.update()
            self.reference.notes["value"] = [value]
            missing = [name for name in self.reference.notes if name not in seen
                       and name not in self.names.get("leaves", ())]
            if missing:
                raise Wrong(f"{self.section.where}: nothing derives {', '.join(missing)}")
            for name, (noted, *_) in self.reference.notes.items():
                if name in seen:
                    agree(seen[name], names[name], noted, SAME, f"is not the page's in step {step}")
            agree(seen["value"], engine.arrays["dense_1.kernel"], value, 1e-10,
                  "the kernel's value is another")


def _quotient(function: Any) -> Any:
    """The derivative at 0, by differences of the sixth order."""
    h = 5e-4
    near, far, farthest = (function(k * h) - function(-k * h) for k in (1, 2, 3))
    return (45 * near - 9 * far + farthest) / (60 * h)


def problems(path: Path) -> Iterator[str]:
    """What does not hold on a page."""
    for section in sections(path):
        try:
            found = Case(section).problem()
        except Wrong as wrong:  # page and kernel differ
            found = str(wrong)
        if found is not None:
            yield found
