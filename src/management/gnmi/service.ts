import { fileURLToPath } from "node:url";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { type ServiceDefinition as Loaded, loadSync, type PackageDefinition } from "@grpc/proto-loader";
import type { Clock } from "../../base/index.ts";

/** Of the `.proto` files. */
export const FOLDER = fileURLToPath(new URL("./proto/", import.meta.url));
export const FILES = [
  "gnmi.proto",
  "health.proto",
  "reflection.proto",
  "reflection_v1alpha.proto",
  "gnoi_system.proto",
] as const;

/** Read for serving; the other one has the same messages. */
const SERVED = FILES.filter((name) => name !== "reflection_v1alpha.proto");

/**
 * The text of the `.proto` files is loaded, not a descriptor set: of that, the loader gives maps as arrays, and the keys of
 * paths are maps.
 */
const load = (names: readonly string[]): PackageDefinition =>
  loadSync([...names], {
    ...{ includeDirs: [FOLDER], keepCase: true, longs: String, enums: String },
    ...{ defaults: true, arrays: true, objects: true, oneofs: true },
  });

/** All of them, at once. */
export const loadProto = (): PackageDefinition => load(FILES);

let served: Promise<PackageDefinition> | undefined;

/** What is served, by whichever server; they are read once, as it takes a tenth of a second. */
export function loadServed(clock: Clock): Promise<PackageDefinition> {
  served ??= readServed(clock).catch((cause) => {
    served = undefined;
    throw cause;
  });
  return served;
}

/** With a turn for others behind each file: one takes tens of milliseconds. */
async function readServed(clock: Clock): Promise<PackageDefinition> {
  const all: PackageDefinition = {};
  for (const name of SERVED) {
    Object.assign(all, load([name]));
    await new Promise<void>((resolve) => clock.soon(resolve));
  }
  return all;
}

/** As it is, for messages that are encoded already. */
const octets = (message: Buffer): Buffer => message;

type Method = MethodDefinition<object, object>;

/** The service of gNMI; answers of Get and Subscribe are handed over as octets. */
export function gnmiService(proto: PackageDefinition): ServiceDefinition {
  const service = proto["gnmi.gNMI"] as Loaded;
  const encoded = (name: string): Method => ({
    ...(service[name] as unknown as Method),
    responseSerialize: octets as unknown as Method["responseSerialize"],
  });
  return {
    ...(service as unknown as ServiceDefinition),
    Get: encoded("Get"),
    Subscribe: encoded("Subscribe"),
  };
}

/** Reflection, by the name of either of its versions. */
export function reflectionService(proto: PackageDefinition, name: string): ServiceDefinition {
  const service = serviceNamed(proto, "grpc.reflection.v1.ServerReflection");
  const methods = Object.entries(service).map(([method, definition]) => [
    ...[method, { ...definition, path: `/${name}/${method}` }],
  ]);
  return Object.fromEntries(methods) as ServiceDefinition;
}

/** By its full name; answers are encoded as they are sent. */
export const serviceNamed = (proto: PackageDefinition, name: string): ServiceDefinition =>
  proto[name] as unknown as ServiceDefinition;
