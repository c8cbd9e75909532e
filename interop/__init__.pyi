from .onnx_files.reading import load_onnx as load_onnx
from .onnx_files.writing import save_onnx as save_onnx
