import { fileURLToPath } from "node:url";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { type ServiceDefinition as Loaded, loadSync, type PackageDefinition } from "@grpc/proto-loader";

const FOLDER = fileURLToPath(new URL("./proto/", import.meta.url));

/**
 * The text of the `.proto` files is loaded, not a descriptor set: of that, the loader gives maps as arrays, and the keys of
 * paths are maps.
 */
export function loadProto(): PackageDefinition {
  return loadSync(["gnmi.proto", "health.proto"], {
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

export const healthService = (proto: PackageDefinition): ServiceDefinition =>
  proto["grpc.health.v1.Health"] as unknown as ServiceDefinition;
