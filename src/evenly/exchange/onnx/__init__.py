"""Networks as ONNX models: the writer, and in `reading` the reader."""
