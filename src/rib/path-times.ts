/** What 16 bits tell apart. */
const NUMBERS = 0x10000;
const FIRST = 256;
/** Further than any monotonic clock comes. */
const NEVER = 0xffff_ffff;

/**
 * While so many numbers are in use, paths that come within so many seconds share one: exact until there are 32 768 distinct
 * seconds from which some path is still there, then to the minute for 11 days, to the hour for a year, to the day for 22.
 */
const GRAINS: readonly { readonly below: number; readonly seconds: number }[] = [
  { below: 32768, seconds: 1 },
  { below: 49152, seconds: 60 },
  { below: 57344, seconds: 3600 },
  { below: NUMBERS, seconds: 86400 },
];

/**
 * When the paths of a table were learnt or last replaced, as a number of 16 bits: many paths come in one second, and a number is
 * used again when no path has it any more. While paths of ever more distinct seconds stay, those that come are given the time of
 * those a little before them (`GRAINS`); while no number is free, the latest time that has one.
 */
export class PathTimes {
  /** By number: monotonic seconds, the same instant in seconds since the Unix epoch, and how many paths have it. */
  #seconds = new Uint32Array(FIRST);
  #wall = new Uint32Array(FIRST);
  #paths = new Int32Array(FIRST);
  readonly #free: number[] = [];
  #top = 1;
  /** The number of paths that come now; it is not free, even if no path has it. */
  #now = 0;

  constructor() {
    this.#seconds[this.#now] = NEVER;
  }

  /** The number for paths that come at `seconds`, monotonic, good until it is asked for another time. @param wall then, since the Unix epoch */
  at(seconds: number, wall: number): number {
    const age = seconds - this.#seconds[this.#now]!;
    if (age === 0) return this.#now;
    if (this.#paths[this.#now] !== 0) {
      const used = this.#top - this.#free.length;
      const grain = GRAINS.find(({ below }) => used < below);
      if (grain === undefined || (age > 0 && age < grain.seconds)) return this.#now;
      this.#now = this.#free.pop() ?? this.#add();
    }
    this.#seconds[this.#now] = seconds;
    this.#wall[this.#now] = wall;
    return this.#now;
  }

  #add(): number {
    if (this.#top === this.#seconds.length) {
      const [seconds, wall, paths] = [this.#seconds, this.#wall, this.#paths];
      this.#seconds = new Uint32Array(2 * this.#top);
      this.#wall = new Uint32Array(2 * this.#top);
      this.#paths = new Int32Array(2 * this.#top);
      this.#seconds.set(seconds);
      this.#wall.set(wall);
      this.#paths.set(paths);
    }
    return this.#top++;
  }

  /** Seconds since the Unix epoch, as the wall clock had them then. */
  wallOf(time: number): number {
    return this.#wall[time]!;
  }

  /** Monotonic. */
  secondsOf(time: number): number {
    return this.#seconds[time]!;
  }

  /** A path has this number. */
  retain(time: number): void {
    this.#paths[time]!++;
  }

  /** A path has it no more. */
  release(time: number): void {
    if (--this.#paths[time]! === 0 && time !== this.#now) this.#free.push(time);
  }
}
