import { fileURLToPath } from "node:url";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { type ServiceDefinition as Loaded, loadSync, type PackageDefinition } from "@grpc/proto-loader";

/** Of the `.proto` files. */
export const FOLDER = fileURLToPath(new URL("./proto/", import.meta.url));
export const FILES = [
  "gnmi.proto",
  "health.proto",
  "reflection.proto",
  "reflection_v1alpha.proto",
  "gnoi_system.proto",
] as const;

/**
 * The text of the `.proto` files is loaded, not a descriptor set: of that, the loader gives maps as arrays, and the keys of
 * paths are maps.
 */
export function loadProto(): PackageDefinition {
  return loadSync([...FILES], {
    ...{ includeDirs: [FOLDER], keepCase: true, longs: String, enums: String },
    ...{ defaults: true, arrays: true, objects: true, oneofs: true },
  });
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

/** By its full name; answers are encoded as they are sent. */
export const serviceNamed = (proto: PackageDefinition, name: string): ServiceDefinition =>
  proto[name] as unknown as ServiceDefinition;
