import { Writer } from "../../src/base/index.ts";

export interface QueryShape {
  readonly id?: number;
  readonly flags?: number;
  readonly labels: readonly (string | Uint8Array)[];
  readonly type?: number;
  readonly class?: number;
  readonly opt?: { readonly size?: number; readonly version?: number; readonly flags?: number };
}

export const TYPE = { A: 1, NS: 2, SOA: 6, TXT: 16, AAAA: 28, SVCB: 64, HTTPS: 65, AXFR: 252, ANY: 255 } as const;

/** The octets of a query, written without the code under test. */
export function query(shape: QueryShape): Uint8Array {
  const writer = new Writer();
  writer.u16(shape.id ?? 0x1234).u16(shape.flags ?? 0x0100);
  writer
    .u16(1)
    .u16(0)
    .u16(0)
    .u16(shape.opt === undefined ? 0 : 1);
  for (const label of shape.labels) {
    const octets = typeof label === "string" ? Buffer.from(label, "latin1") : label;
    writer.u8(octets.length).bytes(octets);
  }
  writer
    .u8(0)
    .u16(shape.type ?? TYPE.AAAA)
    .u16(shape.class ?? 1);
  if (shape.opt !== undefined) {
    writer
      .u8(0)
      .u16(41)
      .u16(shape.opt.size ?? 1232);
    writer
      .u8(0)
      .u8(shape.opt.version ?? 0)
      .u16(shape.opt.flags ?? 0)
      .u16(0);
  }
  return writer.finish();
}

export function named(name: string, rest: Omit<QueryShape, "labels"> = {}): Uint8Array {
  return query({ ...rest, labels: name.split(".") });
}
