/** Where requests stand, in words, and how it looks: good, waiting, bad or over. */
const WORDS: Readonly<Record<string, readonly [words: string, look: string]>> = {
  submitted: ['being assessed', 'wait'],
  assessing: ['being assessed', 'wait'],
  awaiting_approval: ['waiting for people', 'wait'],
  approved: ['approved', 'good'],
  provisioning: ['access is being given', 'good'],
  active: ['access is open', 'good'],
  expired: ['over: its time was up', 'over'],
  revoked: ['over: ended early', 'over'],
  closed: ['over', 'over'],
  denied: ['denied', 'bad'],
  refused: ['refused by policy', 'bad'],
  hard_stopped: ['stopped by policy', 'bad'],
  cancelled: ['cancelled', 'over'],
  withdrawn: ['withdrawn', 'over'],
  lapsed: ['nobody answered', 'over'],
  failed: ['not carried out', 'bad'],
};

export function Status({ status }: { readonly status: string }) {
  const [words, look] = WORDS[status] ?? [status, 'over'];
  return <span class={`badge ${look}`}>{words}</span>;
}
