"""Takes out of an exported graph what computes nothing but its own shapes.

The exporter writes every reshape as a dozen operators that read sizes and put them together again;
they made up half of the graph. Where all cases agree on a rule that Reshape itself knows (a size
that stays, a fixed one, one that is left over), the rule is written instead. The result is held
against the graph as it was: equal to the bit, before the runtime optimises either.
"""

from __future__ import annotations

import copy

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper


def run(model: onnx.ModelProto, feeds: dict, outputs: list[str] | None = None) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    return session.run(outputs, feeds)


def rule(shapes: list[tuple], wanted: list[tuple]) -> list[int] | None:
    """Reshape's shape that turns each of ``shapes`` into its ``wanted``; None where there is none."""
    if len({len(w) for w in wanted}) > 1:
        return None
    found = []
    for k in range(len(wanted[0])):
        sizes = {w[k] for w in wanted}
        if len(sizes) == 1:
            found.append(sizes.pop())
        elif all(k < len(s) and s[k] == w[k] for s, w in zip(shapes, wanted)):
            found.append(0)
        else:
            found.append(-1)
    return found if found.count(-1) <= 1 else None


def prune(graph: onnx.GraphProto) -> None:
    """Drops operators and constants that no output needs."""
    needed = {v.name for v in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    tensors = [t for t in graph.initializer if t.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(tensors)


def gather_constants(graph: onnx.GraphProto) -> None:
    """Constants become initializers, each value once."""
    names: dict[tuple, str] = {}
    renamed: dict[str, str] = {}
    nodes = []
    outputs = {v.name for v in graph.output}
    for node in graph.node:
        if node.op_type != "Constant" or node.attribute[0].name != "value" or node.output[0] in outputs:
            nodes.append(node)
            continue
        value = numpy_helper.to_array(node.attribute[0].t)
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in names:
            names[key] = node.output[0]
            graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
        renamed[node.output[0]] = names[key]
    for node in nodes:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    del graph.node[:]
    graph.node.extend(nodes)


def simplify(model: onnx.ModelProto, cases: list[dict]) -> onnx.ModelProto:
    """``cases``: feeds that differ in every size that may differ."""
    before = [run(model, feeds) for feeds in cases]
    simple = copy.deepcopy(model)
    graph = simple.graph
    gather_constants(graph)
    fixed = {t.name for t in graph.initializer}
    reshapes = [n for n in graph.node if n.op_type == "Reshape" and n.input[1] not in fixed]
    watched = list(dict.fromkeys(name for n in reshapes for name in (n.input[0], n.output[0])))
    probe = copy.deepcopy(simple)
    known = {v.name for v in (*graph.input, *graph.output)} | fixed
    probe.graph.output.extend(
        helper.make_empty_tensor_value_info(name) for name in watched if name not in known)
    sizes = [dict(zip(watched, (x.shape for x in run(probe, feeds, watched)))) for feeds in cases]
    for node in reshapes:
        found = rule([s[node.input[0]] for s in sizes], [s[node.output[0]] for s in sizes])
        if found is None:
            continue
        name = "shape:" + ",".join(map(str, found))
        if name not in fixed:
            fixed.add(name)
            graph.initializer.append(numpy_helper.from_array(np.array(found, np.int64), name))
        node.input[1] = name
    prune(graph)
    for feeds, wanted in zip(cases, before):
        for a, b in zip(run(simple, feeds), wanted):
            if not np.array_equal(a, b):
                raise RuntimeError("a simplified graph computes something else")
    return simple
