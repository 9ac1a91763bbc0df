import { inSentence } from '../../domain/characters';

/** Says to who decides that what a holder makes can outlive the access, because the catalog accepts it. */
export const sayAccepted = (accepts: string): string =>
  `What a holder makes there can outlive the access: the catalog accepts ${inSentence(accepts)}.`;
