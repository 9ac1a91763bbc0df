import { setFlagsFromString } from 'node:v8';

/**
 * V8 11 (Node 20) inlines calls from JavaScript into WebAssembly, and now and then dies when it has to undo that in the
 * middle of a call (`Fatal error … unreachable code`, in `Deoptimizer::TranslatedValueForWasmReturnKind`). Cedar is
 * WebAssembly and is asked for every request: a worker under load fell over in one of three runs of the bench. A call
 * that is not inlined costs next to nothing. To be imported before Cedar is.
 */
if (process.versions.v8.startsWith('11.')) setFlagsFromString('--no-turbo-inline-js-wasm-calls');
