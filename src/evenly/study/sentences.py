"""The verdict of a study in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from .records import Scale, VariantRecord

MANY_SEEDS = 30


def sentence(
    variants: Sequence[VariantRecord], references: Sequence[VariantRecord], scale: Scale
) -> str:
    """What helped, what hurt, what cannot be told apart.

    It begins with the simplest answer and the linear model where no network is better than these:
    next to that, what helped is of little use.
    """
    others = variants[1:]
    if all(v.diverged and not v.finished for v in variants):
        return "Every run diverged: a lower learning rate is worth a try."
    worthless, needed = _of_references(variants, references, scale)
    if not others:
        alone = "only plain was run: there is nothing to compare it with"
        text = "; ".join([*worthless, alone, *needed])
        return f"{text[0].upper()}{text[1:]}."
    counts = [v.difference.count for v in others if v.difference is not None]
    seeds = max(counts, default=0)
    parts = [*worthless, *_of_variants(others, seeds, scale), *needed]
    broken = [
        f"{v.name} (in {v.diverged} of {v.diverged + v.finished} runs)"
        for v in variants
        if v.verdict == "diverged"
    ]
    if broken:
        parts.append(f"{listed(broken)} diverged, so that a lower learning rate is worth a try")
    start = {0: "", 1: "With 1 seed: "}.get(seeds, f"With {seeds} seeds: ")
    return f"{start}{'; '.join(parts)}."


def reference_words(reference: VariantRecord, scale: Scale) -> str:
    """A reference as the object of a sentence, with what it reaches."""
    said = reference.adds.removeprefix("always ")
    name = "a linear model" if reference.name == "linear" else f"always saying {said}"
    if reference.test is None:
        return name
    return f"{name} ({_with_unit(scale, reference.test.mean)})"


def _of_variants(others: Sequence[VariantRecord], seeds: int, scale: Scale) -> list[str]:
    parts = []
    for verdict, words in (("helped", "helped"), ("outdone", None), ("hurt", "hurt")):
        group = [_with_size(v, scale) for v in others if v.verdict == verdict]
        if group and words is None:
            are = "are" if len(group) > 1 else "is"
            parts.append(f"{listed(group)} {are} better than plain, and of no use all the same")
        elif group:
            parts.append(f"{listed(group)} {words}")
    unclear = [v for v in others if v.verdict == "unclear"]
    if unclear:
        few = " with so few seeds" if seeds < MANY_SEEDS else ""
        names = listed([v.name for v in unclear])
        parts.append(f"{names} cannot be told apart from plain{few}{_holm(others)}")
    untested = [v.name for v in others if v.verdict == "untested"]
    if untested:
        parts.append(f"{listed(untested)} cannot be judged: that takes at least two seeds")
    return parts


def _holm(others: Sequence[VariantRecord]) -> str:
    """Why an interval that leaves 0 out is no finding."""
    alone = [v.name for v in others if v.alone]
    if not alone:
        return ""
    count = sum(v.p is not None for v in others)
    interval = "the intervals" if len(alone) > 1 else "the interval"
    leave = "leave" if len(alone) > 1 else "leaves"
    return (
        f" ({interval} of {listed(alone)} {leave} 0 out, which is too little among {count} "
        "comparisons: Holm's correction)"
    )


def _of_references(
    variants: Sequence[VariantRecord], references: Sequence[VariantRecord], scale: Scale
) -> tuple[list[str], list[str]]:
    """What to say first, and what to say last, of the networks beside the references."""
    done = [v for v in variants if v.test is not None]
    none_better: dict[str, list[str]] = {}
    last = []
    for reference in references:
        words = reference_words(reference, scale)
        standings = [v.standing(reference.name) for v in done]
        better = [v.name for v in done if v.standing(reference.name) == "better"]
        if not done or reference.test is None:
            continue
        if all(standing == "untested" for standing in standings):
            # One seed tests nothing, and what is not above by then is not worth more seeds.
            if not any(_above(v, reference, scale) for v in done):
                none_better.setdefault("no network is better than", []).append(words)
        elif all(standing == "worse" for standing in standings):
            none_better.setdefault("every network is worse than", []).append(words)
        elif not better:
            none_better.setdefault("no network is shown to be better than", []).append(words)
        elif reference.name == "linear":
            if len(better) == len(done):
                who = "every network is" if len(done) > 1 else f"{better[0]} is"
                last.append(f"{who} better than {words}")
            else:
                are = "are" if len(better) > 1 else "is"
                last.append(f"{listed(better)} {are} better than {words}, the others not for sure")
    first = [
        f"{start} {(' and than ' if start.startswith('every') else ' or than ').join(words)}"
        for start, words in none_better.items()
    ]
    return first, last


def _above(network: VariantRecord, reference: VariantRecord, scale: Scale) -> bool:
    assert network.test is not None
    assert reference.test is not None
    return scale.sign * (network.test.mean - reference.test.mean) > 0


def _with_unit(scale: Scale, value: float) -> str:
    return f"{scale.value(value)} {scale.unit}" if scale.unit else \
        f"{scale.name} {scale.value(value)}"


def _with_size(variant: VariantRecord, scale: Scale) -> str:
    if variant.difference is None:
        return variant.name
    unit = f" {scale.difference_unit}" if scale.difference_unit else f" {scale.name}"
    return f"{variant.name} ({scale.signed(variant.difference.mean)}{unit})"


def listed(names: Sequence[str]) -> str:
    """Names with commas, and the last with `and`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
