import { graphPhase, outside } from "./traced.mjs";

/** A summary as a text that is read. */
export function report({ machine, model, request, requests, memory, start, goals }) {
  const { phases } = requests;
  const graphs = Object.keys(phases).filter((phase) => phase.startsWith(graphPhase("")));
  const others = Object.values(outside).filter((phase) => phases[phase]);
  const { device, steps, count, width, height, scheduler, guidance } = request;
  const pictures = count === 1 ? "1 picture" : `${count} pictures`;
  return lines(
    `Node ${machine.node}, onnxruntime-node ${machine.runtime} on ${device}, ${machine.platform}`,
    `${machine.cores} cores (${machine.cpu}), ${gibibytes(machine.memoryBytes)}; load ${machine.load.toFixed(1)}`,
    `${model.id}, ${mebibytes(model.bytes)}: ${pictures} of ${width} × ${height}, ${steps} steps, ${scheduler}, ${guidance.name} ${guidance.options.scale ?? ""}`,
    "",
    head(`A request: median of ${requests.measured}, after a first`),
    ...graphs.map((phase) => row(`  ${phase} (${phases[phase].times} ×)`, phases[phase])),
    row("in the graphs", requests.inside),
    ...others.map((phase) =>
      row(`  ${phase}`, phases[phase], everyStep.includes(phase) ? steps * count : 0),
    ),
    row("outside of the graphs", requests.outside),
    `${"outside / in the graphs".padEnd(labelWidth)}${percent(requests.ratio)}${percent(requests.cpuRatio)}`,
    `(measuring itself takes ${requests.measuringMs.toFixed(1)} ms of that)`,
    "",
    head(`Process start to first picture: median of ${start.processes}`),
    ...Object.entries(start.phases).map(([phase, time]) => row(`  ${phase}`, time)),
    row("the picture is written", start.total),
    `(the fastest: ${start.least.toFixed(0)} ms; outside / in the graphs of this first request: ${percent(start.ratio).trim()})`,
    "",
    `Peak memory: ${mebibytes(memory.firstPictureBytes)} for the first picture, ${mebibytes(memory.peakBytes)} after ${requests.measured} more requests`,
    ...goals.map(({ goal, found, met }) => `${met ? "met    " : "NOT MET"}  ${goal}: ${found}`),
  );
}

const labelWidth = 42;

/** What is done at every step; the rest is done once a request. */
const everyStep = [outside.solver, outside.reading, outside.guidance, outside.feeds, outside.loop];

function head(title) {
  return `${title.padEnd(labelWidth)}${"wall ms".padStart(10)}${"CPU ms".padStart(10)}`;
}

function row(label, { wall, cpu }, steps = 0) {
  const each = steps > 0 ? `${((wall / steps) * 1000).toFixed(0).padStart(10)} µs a step` : "";
  return `${label.padEnd(labelWidth)}${wall.toFixed(2).padStart(10)}${cpu.toFixed(2).padStart(10)}${each}`;
}

function percent(ratio) {
  return `${(ratio * 100).toFixed(2)} %`.padStart(10);
}

function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function gibibytes(bytes) {
  return `${(bytes / 2 ** 30).toFixed(0)} GiB`;
}

function lines(...all) {
  return `${all.join("\n")}\n`;
}
