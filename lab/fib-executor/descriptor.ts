/** Writes `fib.proto` as a descriptor set, as `protoc --descriptor_set_out` does, for whoever has no `protoc`: `descriptor.ts FILE`. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";

const PROTO = fileURLToPath(new URL("../../src/dataplane/fib-service/fib.proto", import.meta.url));
const FIELD_FILE = 0x0a;

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("where to? descriptor.ts FILE");
const { fileDescriptorProtos } = loadSync(PROTO, { keepCase: true })[
  "semrd.fib.v1.ToExecutor"
] as unknown as MessageTypeDefinition<object, object>;
writeFileSync(
  file,
  Buffer.concat(fileDescriptorProtos.flatMap((one) => [Buffer.from([FIELD_FILE, ...varint(one.length)]), one])),
);

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
