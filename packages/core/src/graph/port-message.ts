import { elementTypeName } from "./element-types.js";
import type { GraphPort } from "./graph.js";
import type { Field, Walk, Wire } from "./wire.js";

const mostAxes = 32;

/** Walks through a ValueInfoProto. */
export function* portWalk(wire: Wire, { end }: Field, done: (port: GraphPort) => void): Walk {
  const port = { name: "", type: "not a tensor", dims: [] as (number | string)[] };
  wire.keep(3);
  yield* wire.fields(end, (field) => {
    if (field.number === 1) port.name = wire.text("a value's name");
    if (field.number !== 2) return undefined;
    wire.expect(2, "a value's type");
    return typeWalk(field);
  });
  done(port);

  function typeWalk({ end }: Field): Walk {
    return wire.fields(end, (field) => {
      // The other kinds (sequences, maps) are told apart and not read.
      if (field.number !== 1) return undefined;
      wire.expect(2, "a value's type");
      port.dims = [];
      return tensorTypeWalk(field);
    });
  }

  function tensorTypeWalk({ end }: Field): Walk {
    return wire.fields(end, (field) => {
      if (field.number === 1) {
        wire.expect(0, "a value's element type");
        port.type = elementTypeName(field.value);
      }
      if (field.number !== 2) return undefined;
      wire.expect(2, "a value's shape");
      return shapeWalk(field);
    });
  }

  function shapeWalk({ end }: Field): Walk {
    return wire.fields(end, (field) => {
      if (field.number !== 1) return undefined;
      wire.expect(2, "an axis");
      if (port.dims.push("?") > mostAxes) wire.broken(`a value has more than ${mostAxes} axes`);
      wire.keep(1);
      return axisWalk(field);
    });
  }

  function axisWalk({ end }: Field): Walk {
    return wire.fields(end, (field) => {
      const axis = port.dims.length - 1;
      if (field.number === 1) {
        wire.expect(0, "a size");
        port.dims[axis] = field.value;
      }
      if (field.number === 2) port.dims[axis] = wire.text("an axis's name") || "?";
      return undefined;
    });
  }
}
