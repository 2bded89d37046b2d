import type { SchemaNodeReport } from "../../management/index.ts";

export type YangType = NonNullable<SchemaNodeReport["type"]>;

/** A type for people: `1 to 65535`, `debug, info or warn`. */
export function typeWords(type: YangType): string {
  if (type.target !== undefined) return typeWords(type.target);
  if (type.union !== undefined) return [...new Set(type.union.map(typeWords))].join(" or ");
  if (type.enums !== undefined) return listed(type.enums.map(({ name }) => name));
  if (type.identities !== undefined) return listed(type.identities);
  if (type.bits !== undefined) return `any of ${type.bits.join(" ")}`;
  if (type.base === "boolean") return "true or false";
  if (type.range !== undefined)
    return type.range.map(([least, most]) => (least === most ? least : `${least} to ${most}`)).join(", ");
  if (type.base === "string") return "text";
  return type.base;
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

/** The values that a type lists, with what is said of each. */
export function valuesOf(type: YangType): readonly { readonly text: string; readonly help: string }[] {
  if (type.union !== undefined) return type.union.flatMap(valuesOf);
  if (type.enums !== undefined)
    return type.enums.map(({ name, description = "" }) => ({
      text: name,
      help: description.replace(/\s+/g, " ").trim(),
    }));
  if (type.identities !== undefined) return type.identities.map((text) => ({ text, help: "" }));
  if (type.base === "boolean")
    return [
      { text: "true", help: "" },
      { text: "false", help: "" },
    ];
  return [];
}
