/** What a scene checks: what was expected, what was seen, and whether the two are the same. */
export interface Step {
  readonly title: string;
  readonly expected: string;
  readonly seen: string;
  readonly ok: boolean;
}

/** Prints scenes and steps as they happen, and remembers whether all of them did what they said. */
export class Script {
  readonly #print: (line: string) => void;
  readonly #steps: Step[] = [];

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  get steps(): readonly Step[] {
    return this.#steps;
  }

  get failed(): readonly Step[] {
    return this.#steps.filter((step) => !step.ok);
  }

  scene(title: string): void {
    this.#print('');
    this.#print(title);
  }

  /** One step. `seen` is what really came back; it has to be exactly what was expected. */
  check(title: string, expected: string, seen: string): void {
    const step = { title, expected, seen, ok: expected === seen };
    this.#steps.push(step);
    this.#print(`  ${step.ok ? 'ok  ' : 'FAIL'}  ${title}`);
    this.#print(`        expected  ${expected}`);
    this.#print(`        seen      ${seen}`);
  }
}
