"""ONNX files: networks written as ONNX's operators, and read from them."""
