import { setFlagsFromString } from 'node:v8';

/** The last major version of V8 that is known to take the flag. A later one would print that it does not know it. */
const LAST_V8 = 14;

/**
 * V8 (11 in Node 20, 12 in Node 22) inlines calls from JavaScript into WebAssembly, and sometimes crashes when it has to deoptimise in the
 * middle of a call (`Fatal error … unreachable code`, in `Deoptimizer::TranslatedValueForWasmReturnKind`). Cedar is
 * WebAssembly and runs for every request: a worker under load crashed in one of three runs of the bench. Not inlining a
 * call costs next to nothing. Import this module before Cedar.
 */
if (Number.parseInt(process.versions.v8, 10) <= LAST_V8)
  setFlagsFromString('--no-turbo-inline-js-wasm-calls');
