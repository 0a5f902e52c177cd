"""The public test cases of the ONNX operators, run through our layers, losses and optimizers."""
