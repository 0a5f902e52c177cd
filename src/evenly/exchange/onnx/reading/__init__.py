"""Reads ONNX models: a file, its graph with the constants folded, and a rule for each operator."""
