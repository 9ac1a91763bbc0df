/** One check of a scene. */
export interface Step {
  readonly title: string;
  readonly expected: string;
  readonly seen: string;
  readonly ok: boolean;
}

/** Prints scenes and steps as they happen, and collects the steps. */
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

  /** Says something that is no step. */
  note(text: string): void {
    this.#print(`  ${text}`);
  }

  /** Checks one step: `seen`, which is what really came back, must equal `expected`. */
  check(title: string, expected: string, seen: string): void {
    const step = { title, expected, seen, ok: expected === seen };
    this.#steps.push(step);
    this.#print(`  ${step.ok ? 'ok  ' : 'FAIL'}  ${title}`);
    this.#print(`        expected  ${expected}`);
    this.#print(`        seen      ${seen}`);
  }
}
