import type * as prom from "prom-client";
import { Slices } from "./slices.ts";

type Labels = Readonly<Record<string, string | number | undefined>>;

interface Value {
  readonly metricName?: string;
  readonly labels?: Labels;
  readonly sharedLabels?: Labels;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values?: readonly Value[];
}

/** What the library's own text is made of; histograms have it in a shorter form. */
type Readable = { getForPromString?(): Promise<Family>; get(): Promise<Family> };

/**
 * The text of a registry, as prom-client makes it, but in slices: of a family with ten thousand series it makes one turn.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4)
 */
export async function textOf(registry: prom.Registry): Promise<string> {
  const slices = new Slices();
  const families: string[] = [];
  for (const metric of registry.getMetricsAsArray() as readonly unknown[] as readonly Readable[]) {
    await slices.pause(); // the library makes all values of a family at once
    const { name, help, type, values = [] } = await (metric.getForPromString?.() ?? metric.get());
    const pieces: string[] = [];
    let lines = [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`];
    for (const value of values) {
      lines.push(lineOf(name, value));
      if (!slices.isOver) continue;
      // What a slice has made is one string before the next: all lines at once would be a slice by themselves
      pieces.push(lines.join("\n"));
      lines = [];
      await slices.pause();
    }
    pieces.push(...(lines.length > 0 ? [lines.join("\n")] : []));
    families.push(pieces.join("\n"));
  }
  return `${families.join("\n\n")}\n`;
}

function lineOf(family: string, { metricName = family, labels = {}, sharedLabels = {}, value }: Value): string {
  let text = "";
  for (const some of [labels, sharedLabels])
    for (const label in some) text += `${text && ","}${label}="${escaped(String(some[label])).replaceAll('"', '\\"')}"`;
  return `${metricName}${text && `{${text}}`} ${numberText(value)}`;
}

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
