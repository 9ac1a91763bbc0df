import type { Seat } from './duties';

/*
 * Whether people can be seated so that every stage has its quorum, nobody sits twice and no place is taken twice: the
 * largest flow from people over places to stages, by augmenting paths. Its time grows with the offers times the seats,
 * whatever the offers are, where trying every choice would grow beyond all bounds.
 */

/** Where more could flow: to which nodes, from each. */
type Residue = Map<string, Set<string>>;

const START = 'start';
const END = 'end';
const personNode = ({ by }: Seat): string => `person ${by}`;
const placeNode = ({ stage, place }: Seat): string => `place ${JSON.stringify([stage, place])}`;
const insideNode = (seat: Seat): string => `taken ${placeNode(seat)}`;
const seatNode = (stage: string, number: number): string => `seat ${number} ${stage}`;

/**
 * Chooses offers that fill every stage, or yields nothing where none do.
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
  // What flows from a person to a place can be taken back along it.
  const isChosen = (offer: Seat) => residue.get(placeNode(offer))?.has(personNode(offer)) === true;
  const chosen = new Map(offers.filter(isChosen).map((offer) => [placeNode(offer), offer]));
  return [...chosen.values()];
}

function open(residue: Residue, from: string, to: string): void {
  const known = residue.get(from) ?? new Set();
  residue.set(from, known.add(to));
}

/** Finds one more way from start to end, and turns each of its steps around. */
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
