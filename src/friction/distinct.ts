/** Up to this many the count is exact; above, it is an estimate. */
const EXACT = 64;
const REGISTER_BITS = 10;
const REGISTERS = 1 << REGISTER_BITS;
/** The constant of the estimator for this many registers (Flajolet et al., HyperLogLog, 2007). */
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);

/** Counts distinct things in bounded memory: exactly while there are few, then by HyperLogLog, within about 3 %. */
export class Distinct {
  #exact: Set<number> | undefined = new Set();
  #registers: Uint8Array | undefined;

  add(thing: string): void {
    const hash = hashOf(thing);
    if (this.#exact !== undefined) {
      this.#exact.add(hash);
      if (this.#exact.size <= EXACT) return;
      this.#registers = new Uint8Array(REGISTERS);
      for (const earlier of this.#exact) this.#enter(earlier);
      this.#exact = undefined;
      return;
    }
    this.#enter(hash);
  }

  get count(): number {
    if (this.#exact !== undefined) return this.#exact.size;
    const registers = this.#registers ?? new Uint8Array(REGISTERS);
    const sum = registers.reduce((total, rank) => total + 2 ** -rank, 0);
    const estimate = (ALPHA * REGISTERS * REGISTERS) / sum;
    const empty = registers.filter((rank) => rank === 0).length;
    const few = estimate <= 2.5 * REGISTERS && empty > 0;
    return Math.round(few ? REGISTERS * Math.log(REGISTERS / empty) : estimate);
  }

  #enter(hash: number): void {
    if (this.#registers === undefined) return;
    const register = hash >>> (32 - REGISTER_BITS);
    const rank = Math.min(32 - REGISTER_BITS, Math.clz32(hash << REGISTER_BITS)) + 1;
    if (rank > (this.#registers[register] ?? 0)) this.#registers[register] = rank;
  }
}

/** FNV-1a, finished as in MurmurHash3, because FNV-1a alone leaves similar texts close together. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
