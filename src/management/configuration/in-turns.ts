/** Each is tens of microseconds. */
const PIECES_A_TURN = 64;

/** All pieces of a long work, done over many turns of the event loop: a router that runs reads files, too. */
export async function inTurns<T>(
  pieces: Iterable<T>,
  turn: () => Promise<unknown> = () => new Promise((resolve) => setImmediate(resolve)),
): Promise<T[]> {
  const done: T[] = [];
  for (const piece of pieces) {
    done.push(piece);
    if (done.length % PIECES_A_TURN === 0) await turn();
  }
  return done;
}
