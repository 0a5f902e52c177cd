"""A user's script: it runs, and type checkers find nothing in it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import evenly as ev
from evenly import claims
from evenly.errors import ConfigurationError, FileFormatError
from evenly.layers import BatchNorm, Dense, ReLU
from evenly.layers.base import ArrayLike, Arrays, Gradients
from evenly.report import StudyResult
from evenly.rows import Batches
from evenly.saving import Saved, load, save
from evenly.study import Design, load_digits, run_all, summarize
from evenly.training import Checkpoint, EpochRecord, History

rng = np.random.default_rng(0)
x: NDArray[np.float32] = rng.normal(size=(80, 4)).astype(np.float32)
y: NDArray[np.int64] = (x[:, 0] > x[:, 1]).astype(np.int64)

# Train.
net = ev.Sequential([Dense(8, kernel_init=ev.HeNormal()), BatchNorm(), ReLU(), ev.Dropout(0.1),
                     ev.Residual([Dense(8)]), Dense(2)])
epochs: list[float] = []


def watch(record: EpochRecord) -> str | None:
    epochs.append(record.loss)
    return "stop" if record.epoch == 3 else None


model: ev.Model = ev.fit(
    net, x, y, loss=ev.SoftmaxCrossEntropy(label_smoothing=0.1), optimizer=ev.AdamW(1e-3),
    schedule=ev.CosineDecay(), penalty=ev.L2(1e-4), clip=ev.ClipGlobalNorm(1.0),
    early_stopping=ev.EarlyStopping(patience=5), validation=0.25, epochs=4, batch=16, seed=1,
    callbacks=[watch], progress=False,
)
assert_type(model.history, History)
last: EpochRecord = model.history[-1]
rate: float | None = last.learning_rate
scores: NDArray[np.float32] = model.predict(x)
accuracy: float | None = model.evaluate(x, y).score
loss, gradients = model.gradients(x, y)
assert_type(loss, float)
kernel: NDArray[np.float32] = gradients["dense_1.kernel"]
program: ev.Program = model.engine.program
count: int = program.parameters
model.plot().save(Path(tempfile.mkdtemp()) / "net.svg")
more: ev.Model = ev.fit(model, Batches([(x, y)]), loss=ev.SoftmaxCrossEntropy(), epochs=1)
rule: Checkpoint = Checkpoint(tempfile.mkdtemp(), minutes=10)

# Scale.
scaler = ev.Standardizer().fit(x)
scaled: NDArray[np.float32] = scaler.transform(x)

# Estimators.
classifier = ev.NetClassifier((8, 4), max_epochs=2, random_state=0, optimizer=ev.Adam(1e-3))
classifier = classifier.fit(x, y, sample_weight=np.ones(80))
assert_type(classifier.score(x, y), float)
chances: NDArray[np.float64] = classifier.predict_proba(x)
labels: list[int] = classifier.classes_.tolist()
regressor = ev.NetRegressor(8, loss="huber", max_epochs=2, random_state=0).fit(x, x[:, 0])
table = ev.TableClassifier(8, max_epochs=2, quiet=True, random_state=0).fit({"a": x[:, 0]}, y)
codes: NDArray[np.float32] = ev.NetTransformer((8, 2), max_epochs=2).fit(x, y).transform(x)

# By hand.
work: ev.ShownWork = ev.show_work(Dense(1), [[1, 2]], weights={"kernel": [[3], [4]]})
text: str = work.text(60)
diagnosis: ev.Diagnosis = ev.check(net, x, y, loss=ev.SoftmaxCrossEntropy())
finding: ev.Finding | None = diagnosis.findings[0] if diagnosis.findings else None


# A layer of one's own.
@dataclass(frozen=True)
class Square(ev.Layer):
    name: str | None = None

    def forward(
        self, x: ArrayLike, arrays: Arrays, run: ev.Run
    ) -> tuple[ArrayLike, object]:
        return x * x, x

    def backward(
        self, d_y: ArrayLike, arrays: Arrays, saved: ArrayLike,
        run: ev.Run,
    ) -> Gradients:
        return 2 * saved * d_y, {}


own: ev.Model = ev.init(ev.Sequential([Square(), Dense(2)]), 4)

# Studies.
design = Design(variants=("dropout",), seeds=2, epochs=1, hidden=(4,))
digits = load_digits()
record = summarize(digits, design, run_all(digits, design), command="", started="")
result = StudyResult(record)
print(result)
frame = result.frame()


def measure(case: claims.Case) -> dict[str, float]:
    return {"loss": float(case.seed), "norm": float(case["norm"] == "batch")}


study: claims.Study = claims.Study(
    name="norms", claim="Norms lower the loss.", source="none", measure=measure,
    factors={"norm": ("none", "batch")},
    parts=(claims.less("loss", {"norm": "batch"}, than={"norm": "none"}),),
)

# Save.
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.safetensors"
    save(path, model, scaler=scaler, classes=["less", "more"])
    saved: Saved = load(path, types=[Square])
    try:
        ev.load(path, memory=10)
    except FileFormatError as error:
        reason: str = error.reason
try:
    Dense(0)
except ConfigurationError as refused:
    print(refused)

