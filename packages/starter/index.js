// Written by scripts/starter-files.mjs. Each address is spelt out: that is how Vite, webpack and
// Rollup know which files to copy.
export const version = "0.1.0";
export const files = {
  "controlnet_lineart/config.json": {
    url: new URL("./model/controlnet_lineart/config.json", import.meta.url).href,
    bytes: 188,
  },
  "controlnet_lineart/model.onnx": {
    url: new URL("./model/controlnet_lineart/model.onnx", import.meta.url).href,
    bytes: 3177236,
  },
  "controlnet_palette/config.json": {
    url: new URL("./model/controlnet_palette/config.json", import.meta.url).href,
    bytes: 214,
  },
  "controlnet_palette/model.onnx": {
    url: new URL("./model/controlnet_palette/model.onnx", import.meta.url).href,
    bytes: 451642,
  },
  "model_index.json": {
    url: new URL("./model/model_index.json", import.meta.url).href,
    bytes: 791,
  },
  "scheduler/scheduler_config.json": {
    url: new URL("./model/scheduler/scheduler_config.json", import.meta.url).href,
    bytes: 329,
  },
  "scorer/config.json": {
    url: new URL("./model/scorer/config.json", import.meta.url).href,
    bytes: 204,
  },
  "scorer/image.onnx": {
    url: new URL("./model/scorer/image.onnx", import.meta.url).href,
    bytes: 1518340,
  },
  "scorer/text.onnx": {
    url: new URL("./model/scorer/text.onnx", import.meta.url).href,
    bytes: 1908785,
  },
  "text_encoder/config.json": {
    url: new URL("./model/text_encoder/config.json", import.meta.url).href,
    bytes: 262,
  },
  "text_encoder/model.onnx": {
    url: new URL("./model/text_encoder/model.onnx", import.meta.url).href,
    bytes: 1871279,
  },
  "tokenizer/merges.txt": {
    url: new URL("./model/tokenizer/merges.txt", import.meta.url).href,
    bytes: 18368,
  },
  "tokenizer/special_tokens_map.json": {
    url: new URL("./model/tokenizer/special_tokens_map.json", import.meta.url).href,
    bytes: 133,
  },
  "tokenizer/tokenizer_config.json": {
    url: new URL("./model/tokenizer/tokenizer_config.json", import.meta.url).href,
    bytes: 222,
  },
  "tokenizer/vocab.json": {
    url: new URL("./model/tokenizer/vocab.json", import.meta.url).href,
    bytes: 40276,
  },
  "unet/config.json": {
    url: new URL("./model/unet/config.json", import.meta.url).href,
    bytes: 184,
  },
  "unet/model.onnx": {
    url: new URL("./model/unet/model.onnx", import.meta.url).href,
    bytes: 9392846,
  },
  "vae_decoder/config.json": {
    url: new URL("./model/vae_decoder/config.json", import.meta.url).href,
    bytes: 171,
  },
  "vae_decoder/model.onnx": {
    url: new URL("./model/vae_decoder/model.onnx", import.meta.url).href,
    bytes: 650772,
  },
  "vae_encoder/config.json": {
    url: new URL("./model/vae_encoder/config.json", import.meta.url).href,
    bytes: 171,
  },
  "vae_encoder/model.onnx": {
    url: new URL("./model/vae_encoder/model.onnx", import.meta.url).href,
    bytes: 232342,
  },
  "words.json": {
    url: new URL("./model/words.json", import.meta.url).href,
    bytes: 15554,
  },
};
