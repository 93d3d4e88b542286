// A part of its own, so that every bundler leaves out the library's other hashes.
export { createSHA1, createSHA256 } from "hash-wasm";
