import type { PingResponse } from "./messages.ts";

/** In nanoseconds, of milliseconds as ping writes them. */
const nanoseconds = (text: string): string => String(Math.round(Number(text) * 1e6));

const ANSWER =
  /^(\d+) bytes from (?:\S+ \()?([^\s()]+?)\)?: icmp_seq=(\d+) (?:ttl|hop_limit)=(\d+)(?: time[=<]([\d.]+) ms)?/;
const SUMMARY = /^(\d+) packets transmitted, (\d+)(?: packets)? received.*?(?:time (\d+)ms)?$/;
const TIMES =
  /^(?:rtt|round-trip) min\/avg\/max(?:\/(?:mdev|stddev))? = ([\d.]+)\/([\d.]+)\/([\d.]+)(?:\/([\d.]+))? ms/;

/** Reads what the ping of iputils, or of inetutils, prints with LC_ALL=C, a line at a time. */
export class PingOutput {
  #summary: PingResponse | undefined;

  /** An answer, if the line is one. */
  line(text: string): PingResponse | undefined {
    const answer = ANSWER.exec(text);
    if (answer !== null) {
      const [, bytes, source, sequence, ttl, time] = answer;
      return {
        ...{ source: source!, bytes: Number(bytes), sequence: Number(sequence), ttl: Number(ttl) },
        ...(time === undefined ? {} : { time: nanoseconds(time) }),
      };
    }
    const summary = SUMMARY.exec(text);
    if (summary !== null) {
      const [, sent, received, time] = summary;
      const spent = time === undefined ? {} : { time: nanoseconds(time) };
      this.#summary = { sent: Number(sent), received: Number(received), ...spent };
      return undefined;
    }
    const times = TIMES.exec(text);
    if (times !== null && this.#summary !== undefined) {
      const [, least, mean, most, deviation] = times as unknown as string[];
      this.#summary = {
        ...this.#summary,
        ...{ min_time: nanoseconds(least!), avg_time: nanoseconds(mean!), max_time: nanoseconds(most!) },
        ...(deviation === undefined ? {} : { std_dev: nanoseconds(deviation) }),
      };
    }
    return undefined;
  }

  /** What came of all, once the program has said so. */
  get summary(): PingResponse | undefined {
    return this.#summary;
  }
}
