/** What may hold the event loop at once. */
const SLICE_MS = 2;
/** A look at the clock costs more than a step of the work. */
const STEPS_PER_LOOK = 16;

/** Work in many small steps that gives the event loop a turn whenever 2 ms are over: `if (slices.isOver) await slices.pause()`. */
export class Slices {
  #steps = 0;
  #started = performance.now();

  get isOver(): boolean {
    return ++this.#steps % STEPS_PER_LOOK === 0 && performance.now() - this.#started >= SLICE_MS;
  }

  async pause(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#started = performance.now();
  }
}
