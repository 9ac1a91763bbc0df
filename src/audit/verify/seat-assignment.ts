/** Who decided in which stage, and in whose place. Auditors see it as the proof that duties were separate. */
export interface Seat {
  readonly stage: string;
  readonly by: string;
  readonly place: string;
}

/*
 * Finds out whether people can be assigned so that every stage has its quorum, nobody counts twice and no place is taken
 * twice. It computes the largest flow from people over places to stages, by augmenting paths. The time grows with the number
 * of offers times seats; trying every choice would take exponential time.
 */

/** The residual graph: the nodes that more could flow to, from each node. */
type Residue = Map<string, Set<string>>;

const START = 'start';
const END = 'end';
const personNode = ({ by }: Seat): string => `person ${by}`;
const placeNode = ({ stage, place }: Seat): string => `place ${JSON.stringify([stage, place])}`;
const insideNode = (seat: Seat): string => `taken ${placeNode(seat)}`;
const seatNode = (stage: string, number: number): string => `seat ${number} ${stage}`;

/**
 * Chooses offers that fill every stage. Returns undefined if that is not possible.
 *
 * @param quorums how many each stage needs
 */
export function assignSeats(
  quorums: ReadonlyMap<string, number>,
  offers: readonly Seat[],
): readonly Seat[] | undefined {
  const residue: Residue = new Map();
  for (const offer of offers) {
    const quorum = quorums.get(offer.stage) ?? 0;
    open(residue, START, personNode(offer));
    open(residue, personNode(offer), placeNode(offer));
    open(residue, placeNode(offer), insideNode(offer));
    for (let number = 0; number < quorum; number += 1) {
      open(residue, insideNode(offer), seatNode(offer.stage, number));
      open(residue, seatNode(offer.stage, number), END);
    }
  }
  const needed = [...quorums.values()].reduce((sum, quorum) => sum + quorum, 0);
  for (let filled = 0; filled < needed; filled += 1) if (!augment(residue)) return undefined;
  // If there is flow from a person to a place, the residual graph has the reverse edge.
  const isChosen = (offer: Seat) => residue.get(placeNode(offer))?.has(personNode(offer)) === true;
  const chosen = new Map(offers.filter(isChosen).map((offer) => [placeNode(offer), offer]));
  return [...chosen.values()];
}

function open(residue: Residue, from: string, to: string): void {
  const known = residue.get(from) ?? new Set();
  residue.set(from, known.add(to));
}

/** Finds one more path from start to end and reverses its edges. Returns false if there is none. */
function augment(residue: Residue): boolean {
  const cameFrom = new Map<string, string>();
  const waiting = [START];
  for (let node = waiting.shift(); node !== undefined; node = waiting.shift()) {
    for (const next of residue.get(node) ?? []) {
      if (next === START || cameFrom.has(next)) continue;
      cameFrom.set(next, node);
      waiting.push(next);
    }
    if (cameFrom.has(END)) break;
  }
  if (!cameFrom.has(END)) return false;
  for (let node = END; node !== START; ) {
    const before = cameFrom.get(node) ?? START;
    residue.get(before)?.delete(node);
    open(residue, node, before);
    node = before;
  }
  return true;
}
