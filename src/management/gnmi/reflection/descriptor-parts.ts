import protobuf from "protobufjs";

/*
 * What protobuf.js has read, as objects of the messages of google/protobuf/descriptor.proto.
 */

/** Without the dot that protobuf.js puts before it. */
export const fullName = ({ fullName: name }: protobuf.ReflectionObject): string => name.replace(/^\./, "");

/** Numbers of FieldDescriptorProto.Type. */
const TYPES: Readonly<Record<string, number>> = {
  ...{ double: 1, float: 2, int64: 3, uint64: 4, int32: 5, fixed64: 6, fixed32: 7, bool: 8, string: 9 },
  ...{ bytes: 12, uint32: 13, sfixed32: 15, sfixed64: 16, sint32: 17, sint64: 18 },
};
const MESSAGE = 11;
const ENUM = 14;
const OPTIONAL = 1;
const REQUIRED = 2;
const REPEATED = 3;

function typeOf(field: protobuf.Field): object {
  const { resolvedType: resolved } = field;
  if (resolved === null) return { type: TYPES[field.type] };
  return { type: resolved instanceof protobuf.Enum ? ENUM : MESSAGE, typeName: resolved.fullName };
}

/** protobuf.js puts extensions among the fields of what they extend. */
export const ownFields = ({ fieldsArray }: protobuf.Type): readonly protobuf.Field[] =>
  fieldsArray.filter(({ declaringField }) => declaringField === null);

const isMap = (field: protobuf.Field): field is protobuf.Field & { readonly keyType: string } => field.map;

/** A map is a list of messages of its own. */
const entryName = ({ name }: protobuf.Field): string =>
  `${name.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())}Entry`;

/** Of a field of a message, or of an extension. */
export function fieldDescriptor(field: protobuf.Field): object {
  const { name, id: number, options, partOf } = field;
  const own = {
    jsonName: name.replace(/_+(.)/g, (_, letter: string) => letter.toUpperCase()),
    ...{ name, number, label: field.required ? REQUIRED : field.repeated || field.map ? REPEATED : OPTIONAL },
    ...(isMap(field) ? { type: MESSAGE, typeName: `${field.parent!.fullName}.${entryName(field)}` } : typeOf(field)),
    ...(options?.deprecated === true ? { options: { deprecated: true } } : {}),
    ...(options?.default === undefined ? {} : { defaultValue: String(options.default) }),
  };
  if (field.extend !== undefined) return { ...own, extendee: field.extensionField!.parent!.fullName };
  return partOf === null ? own : { ...own, oneofIndex: (partOf.parent as protobuf.Type).oneofsArray.indexOf(partOf) };
}

function entryDescriptor(field: protobuf.Field & { readonly keyType: string }): object {
  const key = { name: "key", jsonName: "key", number: 1, label: OPTIONAL, type: TYPES[field.keyType] };
  const value = { name: "value", jsonName: "value", number: 2, label: OPTIONAL, ...typeOf(field) };
  return { name: entryName(field), field: [key, value], options: { mapEntry: true } };
}

export function messageDescriptor(type: protobuf.Type): object {
  const nested = type.nestedArray.filter((one) => one instanceof protobuf.Type).map(messageDescriptor);
  const maps = ownFields(type)
    .filter((field) => field instanceof protobuf.MapField)
    .map(entryDescriptor);
  const reserved = (type.reserved ?? []).filter((range) => typeof range !== "string");
  return {
    name: type.name,
    field: ownFields(type).map(fieldDescriptor),
    nestedType: [...nested, ...maps],
    enumType: type.nestedArray.filter((one) => one instanceof protobuf.Enum).map(enumDescriptor),
    oneofDecl: type.oneofsArray.map(({ name }) => ({ name })),
    // The ends of ranges are not in them.
    extensionRange: (type.extensions ?? []).map(([start, end]) => ({ start, end: end! + 1 })),
    reservedRange: reserved.map(([start, end]) => ({ start, end: end! + 1 })),
    reservedName: (type.reserved ?? []).filter((range) => typeof range === "string"),
    ...(type.options?.deprecated === true ? { options: { deprecated: true } } : {}),
  };
}

export function enumDescriptor({ name, values }: protobuf.Enum): object {
  return { name, value: Object.entries(values).map(([value, number]) => ({ name: value, number })) };
}

export function serviceDescriptor(service: protobuf.Service): object {
  const method = (one: protobuf.Method): object => ({
    ...{ name: one.name, inputType: one.resolvedRequestType!.fullName, outputType: one.resolvedResponseType!.fullName },
    ...(one.requestStream === true ? { clientStreaming: true } : {}),
    ...(one.responseStream === true ? { serverStreaming: true } : {}),
  });
  return { name: service.name, method: service.methodsArray.map(method) };
}
