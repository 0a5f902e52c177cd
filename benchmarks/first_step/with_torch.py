"""One training step in PyTorch."""

import time

import torch
from torch import nn

x = torch.randn(128, 784)
y = torch.randint(0, 10, (128,))
net = nn.Sequential(
    nn.Linear(784, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.5),
    nn.Linear(256, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.5),
    nn.Linear(256, 10),
)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
nn.functional.cross_entropy(net(x), y).backward()
optimizer.step()
print(time.clock_gettime(time.CLOCK_MONOTONIC))
