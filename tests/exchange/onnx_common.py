"""PyTorch modules as ONNX graphs, and graphs compared with what is read of them."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import torch

import evenly as ev


def exported(module: Any, x: Any, **settings: Any) -> bytes:
    """The file that PyTorch's own exporter makes, for a batch of any size."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter that needs no other package says that a newer one does.
        warnings.filterwarnings("ignore", "You are using the legacy", DeprecationWarning)
        warnings.filterwarnings("ignore", "The feature will be removed", DeprecationWarning)
        warnings.filterwarnings("ignore", "Exporting a model to ONNX with a batch_size")
        warnings.filterwarnings("ignore", "ONNX export mode is set to")
        warnings.filterwarnings("ignore", "Constant folding - Only steps=1")
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
        torch.onnx.export(module.eval(), (x,), file, dynamo=False, input_names=["x"],
                          dynamic_axes={"x": {0: "n"}}, **{"opset_version": 17, **settings})
    return file.getvalue()


def last(x: Any) -> Any:
    """Channels last, where there are positions."""
    return np.moveaxis(np.asarray(x), 1, -1) if np.ndim(x) > 2 else np.asarray(x)


def stirred(module: Any, seed: int = 0) -> Any:
    """The module with running averages that are not the first ones."""
    generator = torch.Generator().manual_seed(seed)
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(generator=generator)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2.0, generator=generator)
    return module


def kinds(model: ev.Model) -> list[str]:
    """The types of the layers, those within others in place."""
    return [type(layer).__name__ for _, layer in model.net.named_layers()]


def assert_near(got: Any, wanted: Any, tolerance: float = 1e-5) -> None:
    wanted = np.asarray(wanted)
    np.testing.assert_allclose(got, wanted, rtol=tolerance,
                               atol=tolerance * max(1e-3, np.abs(wanted).max()))
