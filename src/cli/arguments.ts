import { InvalidArgumentError } from "commander";

/** A parser of option values. */
export function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`a whole number from ${minimum} to ${maximum} is expected`);
  };
}

export function version(text: string): { readonly major: number; readonly minor: number } {
  const match = /^(\d{1,5})(?:\.(\d{1,5}))?$/.exec(text);
  const [major, minor] = [Number(match?.[1]), Number(match?.[2] ?? 0)];
  if (match === null || major < 1 || major > 65535 || minor > 65535)
    throw new InvalidArgumentError("a version is MAJOR or MAJOR.MINOR, such as 1 or 1.2");
  return { major, minor };
}

export const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];
