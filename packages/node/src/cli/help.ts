/** What `underpaint --help` prints. */
export const helpText = `underpaint "PROMPT" [options]     makes a picture of the prompt
underpaint info [MODEL]           tells what a model is and can do; with --words, the
                                  words that a small model knows
underpaint schedulers             lists the schedulers

  -o, --output FILE.png   where the picture goes; picture.png, or the next free name
  -m, --model MODEL       a folder, hub:owner/name@revision or an https address;
                          the embedded starter when left out
  -s, --steps N           denoising steps
      --scheduler NAME    such as euler or dpmpp-2m-karras; the model's own when left out
  -g, --guidance N        how strongly the prompt steers
      --negative TEXT     what the picture should not be
      --seed N            the same seed makes the same picture; random when left out
  -n, --count N           pictures to make, with seeds N, N+1, ...
      --size WxH          in pixels; the model's own when left out
  -i, --image FILE.png    a picture to begin from
      --strength N        0 to 1: how much of it is made anew; 0.8 when left out
      --mask FILE.png     where it is painted anew: white, or what of a layer is opaque
      --only-masked       the network sees the part around the mask alone, enlarged
  -c, --control CONTROL   steers by a picture, several times if need be:
                          KIND[@MODEL]=FILE.png[:WEIGHT][:START-END][:MODE]
                            lineart=sheet.png:0.8:0-0.7
                            canny@hub:owner/name=photo.png:prompt-first
                            palette="#e4572e,#29335c"
                          kinds: lineart, scribble, canny, softedge, depth, palette;
                          hint and adapter (@MODEL) take a picture as it is. Without
                          @MODEL it is the model's own. START-END: shares of the steps;
                          MODE: balanced, prompt-first, control-first
  -d, --device DEVICE     auto, cpu, webgpu, cuda, dml or coreml
      --json              prints one JSON object, and nothing else, on stdout
  -h, --help
      --version

Models of the hub are kept where Python's huggingface_hub keeps them (HF_HOME), others in
UNDERPAINT_CACHE or the system's folder for caches. A private model needs HF_TOKEN.

Exit codes: 0 done, 1 failed, 2 wrongly called, 130 interrupted.
`;
