"""ONNX files."""

from pathlib import Path

import numpy as np
from mutations import NUMBERS, mutated
from target import Target, Wrong

import retroprop as rp

OTHERS = Path(__file__).parent.parent / "interop" / "onnx_files" / "files"
OPERATORS = """
Relu Abs Add Mul Sub Div Erf Sqrt Pow ReduceMean Concat Reshape Flatten Squeeze Unsqueeze Shape Gather Slice Cast MatMul
Gemm Identity Transpose Softmax Where Greater ConstantOfShape Sum Clip Dropout LayerNormalization GlobalAveragePool
Resize Selu
""".split()  # noqa: SIM905 (a list of words)


class Onnx(Target):
    """Networks in ONNX files: what loads has finite parameters, and an output for the input that the file describes."""

    def make(self):
        import onnx
        self.onnx = onnx
        images = rp.Sequential(rp.Conv2d(2, 3, 3, padding=1, rng=0), rp.BatchNorm(3), rp.GELU(), rp.MaxPool2d(2),
                               rp.Upsample2d(), rp.AvgPool2d(2), rp.Reshape(-1), rp.Linear(27, 2, rng=1), rp.Softmax())
        rp.interop.save_onnx(images, self.path, (1, 2, 6, 6))
        names = ("sklearn_labels", "torch_block3_opset11", "torch_images", "torch_words", "keras_images", "jax_softmax")
        return [self.path.read_bytes(), *((OTHERS / f"{name}.onnx").read_bytes() for name in names)]

    def mutate(self, content, rng):
        if rng.random() < 0.4:
            return mutated(content, rng)
        model = self.onnx.load_model_from_string(content)
        for _ in range(int(rng.integers(1, 4))):
            self.change(model, rng)
        return model.SerializeToString()

    def change(self, model, rng):
        """Change a node, a constant, an input or the opset."""
        def one(items):
            return items[rng.integers(len(items))]

        graph, kind, number = model.graph, rng.random(), int(one([-1, *NUMBERS[:16]]))
        node, tensor = one(graph.node), one(graph.initializer)
        names = [name for each in graph.node for name in (*each.input, *each.output)]
        if kind < 0.2:
            node.op_type = one(graph.node).op_type if rng.random() < 0.5 else str(one(OPERATORS))
        elif kind < 0.4 and node.input:
            node.input[rng.integers(len(node.input))] = one(names)
        elif kind < 0.45:
            node.input.append(one(names))
        elif kind < 0.65 and node.attribute:
            attribute = one(node.attribute)
            attribute.i, attribute.f = number, float(number)
            if attribute.ints:
                attribute.ints[rng.integers(len(attribute.ints))] = number
        elif kind < 0.7 and node.attribute:
            node.attribute.add().CopyFrom(one(one(graph.node).attribute or node.attribute))
        elif kind < 0.8 and tensor.dims:
            tensor.dims[rng.integers(len(tensor.dims))] = number
        elif kind < 0.85:
            tensor.data_type = int(rng.integers(20))
        elif kind < 0.9:
            tensor.raw_data = mutated(tensor.raw_data, rng)
        elif kind < 0.95:
            sizes = graph.input[0].type.tensor_type.shape.dim
            if sizes:
                one(sizes).dim_value = number
        else:
            model.opset_import[0].version = int(rng.integers(5, 30))

    def read(self, content):
        with self.measured():
            net = rp.interop.load_onnx(self.path)
        if not all(np.isfinite(array).all() for array in net.state_dict().values()):
            raise Wrong("a parameter is not finite")
        model = self.onnx.load_model_from_string(content)
        stored = {tensor.name for tensor in model.graph.initializer}
        shapes = [tuple(size.dim_value if size.dim_value > 0 else 60 for size in each.type.tensor_type.shape.dim)
                  for each in model.graph.input if each.name not in stored]
        if len(shapes) == net.arity:
            net.output_shape(shapes[0] if len(shapes) == 1 else tuple(shapes))
        return True
