import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import {
  enumDescriptor,
  fieldDescriptor,
  fullName,
  messageDescriptor,
  ownFields,
  serviceDescriptor,
} from "./descriptor-parts.ts";

/** A `.proto` file as reflection describes it. */
export interface DescribedFile {
  readonly name: string;
  /** Encoded FileDescriptorProto. */
  readonly octets: Buffer;
  readonly imports: readonly string[];
}

/** What there is to know about services, without their `.proto` files. */
export interface Descriptions {
  readonly files: ReadonlyMap<string, DescribedFile>;
  /** File by the full name of what it declares: services, methods, messages, fields, enumerations and their values, extensions. */
  readonly symbols: ReadonlyMap<string, string>;
  /** Of each message that others extend: number of the extension to the file that has it. */
  readonly extensions: ReadonlyMap<string, ReadonlyMap<number, string>>;
}

/** Files that the protobuf language has of its own; what protobuf.js knows of them has no file name. */
const OWN = "google/protobuf/";
const OWN_FILES: Readonly<Record<string, string>> = { Any: `${OWN}any.proto`, Duration: `${OWN}duration.proto` };
const DESCRIPTOR = `${OWN}descriptor.proto`;

const DESCRIPTOR_TEXT = fileURLToPath(import.meta.resolve(`protobufjs/${DESCRIPTOR}`));

/**
 * Describes `.proto` files of `folder` and all that they import.
 *
 * The descriptors that protobuf.js makes lack imports, full names and the names of map entries, which strict readers refuse; so
 * they are put together here from what it has read.
 *
 * @see google/protobuf/descriptor.proto
 */
export function describe(folder: string, names: readonly string[]): Descriptions {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => {
    if (target === DESCRIPTOR) return DESCRIPTOR_TEXT;
    return target.startsWith(OWN) || target.startsWith(folder) ? target : `${folder}${target}`;
  };
  root.loadSync([...names, DESCRIPTOR], { keepCase: true }).resolveAll();
  // Its fields have the names of JSON there, which are those of descriptor-parts.ts.
  const proto = new protobuf.Root().loadSync(DESCRIPTOR_TEXT).lookupType("google.protobuf.FileDescriptorProto");
  const fileOf = (object: protobuf.ReflectionObject): string => {
    if (object.filename !== null) return object.filename.replace(folder, "").replace(DESCRIPTOR_TEXT, DESCRIPTOR);
    return OWN_FILES[object.name] ?? DESCRIPTOR;
  };
  const content = new Map<string, protobuf.ReflectionObject[]>();
  collect(root, (object) => {
    const name = fileOf(object);
    content.set(name, [...(content.get(name) ?? []), object]);
  });

  const files = new Map<string, DescribedFile>();
  const symbols = new Map<string, string>();
  const extensions = new Map<string, Map<number, string>>();
  for (const [name, objects] of content) {
    for (const object of objects) {
      for (const symbol of symbolsOf(object)) symbols.set(symbol, name);
      if (!(object instanceof protobuf.Field)) continue;
      const extended = fullName(object.extensionField!.parent!);
      extensions.set(extended, (extensions.get(extended) ?? new Map<number, string>()).set(object.id, name));
    }
    const { options, ...head } = headOf(name, folder, root);
    const octets = proto.encode(proto.fromObject({ ...head, ...bodyOf(objects) })).finish();
    files.set(name, { name, octets: Buffer.concat([octets, options]), imports: head.dependency });
  }
  return { files, symbols, extensions };
}

/** What stands in a file outside of all messages. */
function collect(namespace: protobuf.NamespaceBase, found: (object: protobuf.ReflectionObject) => void): void {
  for (const object of namespace.nestedArray) {
    if (object instanceof protobuf.Type || object instanceof protobuf.Service) found(object);
    else if (object instanceof protobuf.Namespace) collect(object, found);
    else found(object);
  }
}

interface Head {
  readonly name: string;
  readonly package: string;
  readonly dependency: readonly string[];
  readonly syntax?: "proto3";
  /** The field `options`, encoded: it holds extensions. */
  readonly options: Uint8Array;
}

function headOf(name: string, folder: string, root: protobuf.Root): Head {
  if (name.startsWith(OWN)) {
    const syntax = name === DESCRIPTOR ? {} : { syntax: "proto3" as const };
    return { name, package: "google.protobuf", dependency: [], options: new Uint8Array(), ...syntax };
  }
  const alone = new protobuf.Root();
  const { imports = [], package: own = "" } = protobuf.parse(readFileSync(`${folder}${name}`, "utf8"), alone);
  const options = optionOctets(alone.lookup(own)?.options ?? {}, root);
  return { name, package: own, dependency: imports, syntax: "proto3", options };
}

/** Tag of `options` in a FileDescriptorProto. */
const OPTIONS = (8 << 3) | 2;

/** Those that are texts of extensions, such as the version of gNMI. */
function optionOctets(options: Readonly<Record<string, unknown>>, root: protobuf.Root): Uint8Array {
  const content = new protobuf.Writer();
  for (const [name, value] of Object.entries(options)) {
    const extended = /^\((.+)\)$/.exec(name)?.[1];
    const field = extended === undefined ? null : root.lookup(extended, protobuf.Field);
    if (field instanceof protobuf.Field && typeof value === "string") {
      content.uint32((field.id << 3) | 2).string(value);
    }
  }
  const octets = content.finish();
  return octets.length === 0 ? octets : new protobuf.Writer().uint32(OPTIONS).bytes(octets).finish();
}

function bodyOf(objects: readonly protobuf.ReflectionObject[]): object {
  return {
    messageType: objects.filter((one) => one instanceof protobuf.Type).map(messageDescriptor),
    enumType: objects.filter((one) => one instanceof protobuf.Enum).map(enumDescriptor),
    service: objects.filter((one) => one instanceof protobuf.Service).map(serviceDescriptor),
    extension: objects.filter((one) => one instanceof protobuf.Field).map(fieldDescriptor),
  };
}

function symbolsOf(object: protobuf.ReflectionObject): string[] {
  const own = fullName(object);
  if (object instanceof protobuf.Service) return [own, ...object.methodsArray.map(fullName)];
  // A value of an enumeration is a name beside it, not below it.
  if (object instanceof protobuf.Enum) {
    const scope = fullName(object.parent!);
    return [own, ...Object.keys(object.values).map((value) => (scope === "" ? value : `${scope}.${value}`))];
  }
  if (!(object instanceof protobuf.Type)) return [own];
  return [own, ...ownFields(object).map(fullName), ...object.nestedArray.flatMap(symbolsOf)];
}
