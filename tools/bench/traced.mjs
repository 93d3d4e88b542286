// Wrappers that tell a clock what a request is doing. Nothing inside Underpaint is changed: they go
// where a user's own runtime, scheduler and guidance go.

/** The phases that are outside of the graphs, in the order of a request. */
export const outside = {
  prompts: "request, prompts, tokens",
  noise: "noise",
  solver: "solver",
  reading: "reading the network's answer",
  guidance: "guidance",
  feeds: "copies and feeds",
  loop: "loop and events",
  picture: "latents to picture, recipe",
};

/** Names of the phases in a graph, and of loading one. */
export const graphPhase = (component) => `graph ${component}`;
export const loadPhase = (component) => `load ${component}`;

/**
 * The runtime, each call of a graph and each loading in a phase of its own. In Node the runtime
 * computes on the calling thread; its own JavaScript counts as in the graph.
 *
 * @param onTextEncoded called after each run of the text encoder.
 */
export function tracedRuntime(ort, clock, onTextEncoded) {
  return {
    Tensor: ort.Tensor,
    listSupportedBackends: () => ort.listSupportedBackends(),
    InferenceSession: {
      async create(model, options) {
        const component = typeof model === "string" ? componentOf(model) : "device trial";
        const create = () => ort.InferenceSession.create(model, options);
        const session = await clock.within(loadPhase(component), create);
        return {
          inputNames: session.inputNames,
          outputNames: session.outputNames,
          inputMetadata: session.inputMetadata,
          outputMetadata: session.outputMetadata,
          async run(...given) {
            const results = await clock.within(graphPhase(component), () => session.run(...given));
            if (component === "text_encoder") onTextEncoded();
            return results;
          },
          release: () => session.release(),
        };
      },
    },
  };
}

/** "unet" of ".../unet/model.onnx". */
function componentOf(path) {
  return path.split(/[/\\]/).at(-2) ?? path;
}

/** A scheduler whose step, denoiser and noise are phases. */
export function tracedScheduler(scheduler, clock) {
  return {
    name: scheduler.name,
    options: scheduler.options,
    schedule: (...given) => scheduler.schedule(...given),
    start(run) {
      const step = scheduler.start({
        ...run,
        denoise: (latents, level) =>
          clock.within(outside.reading, () => run.denoise(latents, level)),
        noise() {
          const before = clock.enter(outside.noise);
          const normals = run.noise();
          clock.enter(before);
          return normals;
        },
      });
      clock.enter(outside.loop);
      return (latents, index) => clock.within(outside.solver, () => step(latents, index));
    },
  };
}

/** A guidance that is a phase, and so is the asking of the network. */
export function tracedGuidance(guidance, clock) {
  return {
    ...guidance,
    start() {
      const guide = guidance.start();
      return (predict, at) =>
        clock.within(outside.guidance, () =>
          guide((branches) => clock.within(outside.feeds, () => predict(branches)), at),
        );
    },
  };
}
