/** What a step did to its net: numbers, as there is one for each route; the larger one includes the smaller ones. */
export type PathOutcome = typeof NOTHING | typeof OTHERS_CHANGED | typeof BEST_CHANGED | typeof NET_LOST;
export const NOTHING = 0;
/** The best path stays; another one came, went, or is not what it was. */
export const OTHERS_CHANGED = 1;
export const BEST_CHANGED = 2;
/** It has no path any more. */
export const NET_LOST = 3;
/** The neighbour has as many paths of this net as it may. */
export const TOO_MANY = -1;
