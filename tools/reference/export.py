"""Torch to ONNX, and ONNX to disk."""

import io
import warnings
from pathlib import Path

import onnx
import torch

from graphs import Graph

# optimum's default, so that the fixtures hold the operators that real exports hold.
OPSET = 18

# Tensors below this many bytes stay in the graph's file (optimum's choice too).
EXTERNAL_THRESHOLD = 100


def trace(graph: Graph, with_weights: bool = True) -> onnx.ModelProto:
    """Exports by TorchScript tracing, as optimum does: most published models were made that way.

    Without weights, every parameter of the module becomes one more input of the graph.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.module,
            tuple(port.example for port in graph.inputs),
            buffer,
            dynamo=False,
            export_params=with_weights,
            opset_version=OPSET,
            input_names=[port.name for port in graph.inputs],
            output_names=[port.name for port in graph.outputs],
            dynamic_axes={port.name: port.axes for port in [*graph.inputs, *graph.outputs]},
        )
    model = onnx.load_from_string(buffer.getvalue())
    shorten_names(model)
    state_output_shapes(model, graph)
    return model


def shorten_names(model: onnx.ModelProto) -> None:
    """Gives nodes and the values between them short names; inputs, outputs and weights keep theirs.

    The tracer's paths of modules are more than half of a tiny graph's bytes. Its notes on the
    source, which hold paths of the exporting machine, go too.
    """
    graph = model.graph
    kept = {value.name for value in [*graph.input, *graph.output, *graph.initializer]}
    short: dict[str, str] = {}

    def rename(names: list[str]) -> list[str]:
        return [
            name if name in kept or not name else short.setdefault(name, f"v{len(short)}")
            for name in names
        ]

    for index, node in enumerate(graph.node):
        if any(attribute.type == onnx.AttributeProto.GRAPH for attribute in node.attribute):
            raise ValueError(f"{node.op_type} holds a graph, whose names would have to follow")
        inputs, outputs = rename(list(node.input)), rename(list(node.output))
        del node.input[:], node.output[:], node.metadata_props[:]
        node.input.extend(inputs)
        node.output.extend(outputs)
        node.name = f"{node.op_type}_{index}"
        node.doc_string = ""
    del graph.value_info[:]


def state_output_shapes(model: onnx.ModelProto, graph: Graph) -> None:
    """Writes the fixed sizes of every output, which tracing loses behind a computed shape."""
    with torch.no_grad():
        results = graph.module(*(port.example for port in graph.inputs))
    results = results if isinstance(results, tuple) else (results,)
    for value, port, result in zip(model.graph.output, graph.outputs, results, strict=True):
        for axis, size in enumerate(result.shape):
            if axis not in port.axes:
                value.type.tensor_type.shape.dim[axis].dim_value = size


def save(model: onnx.ModelProto, file: Path, external: str | None = None) -> None:
    """Writes the graph; with `external`, its weights go to a file of that name beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    onnx.checker.check_model(model)
    if external is None:
        onnx.save_model(model, file)
        return
    # onnx appends to an external file that exists already.
    (file.parent / external).unlink(missing_ok=True)
    onnx.save_model(
        model,
        file,
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=external,
        size_threshold=EXTERNAL_THRESHOLD,
        convert_attribute=True,
    )
