import type { YangSchemaType } from "../../../native/api.ts";
import { addressKind, FITS_NOTHING } from "../configuration/wording.ts";
import { type Answer, type ManagementFault, parsePath } from "../datastore/index.ts";
import type { SchemaIndex } from "./schema-index.ts";

/** As `reasonOf` has them. */
const NOT_ALLOWED = "not one of the values that are allowed here";
const OUT_OF_RANGE = "out of range";
/** More are not listed. */
const MOST = 40;

/** Faults of values that are none of an enumeration, or outside a range, with those that there are. */
export function namingAllowed<T extends Pick<ManagementFault, "path" | "message">>(fault: T, schema: SchemaIndex): T {
  if (fault.path === undefined) return fault;
  if (fault.message === OUT_OF_RANGE) {
    const range = rangeOf(typeAt(fault.path, schema));
    return range === undefined ? fault : { ...fault, message: `${OUT_OF_RANGE}: ${range} is allowed` };
  }
  if (fault.message === FITS_NOTHING) {
    const forms = formsOf(typeAt(fault.path, schema));
    return forms.length === 0 ? fault : { ...fault, message: `not ${forms.join(", and not ")}` };
  }
  if (fault.message !== NOT_ALLOWED) return fault;
  const values = allowedAt(fault.path, schema);
  return values.length === 0 ? fault : { ...fault, message: `not one of ${listed(values)}` };
}

/** The same for a whole answer. */
export function answerNamingAllowed<T>(answer: Answer<T>, schema: SchemaIndex): Answer<T> {
  if (answer.ok) return answer;
  return { ok: false, faults: answer.faults.map((fault) => namingAllowed(fault, schema)) };
}

/** What the leaf at a data path may be, where that can be listed. */
function allowedAt(text: string, schema: SchemaIndex): readonly string[] {
  return valuesOf(typeAt(text, schema));
}

/** @param text entries may also be numbered, as `listen[3]` */
function typeAt(text: string, schema: SchemaIndex): YangSchemaType | undefined {
  const path = parsePath(text.replace(/\[\d+\]/g, ""));
  const found = path.ok ? schema.resolve(path.value, { pattern: true }) : path;
  return found.ok ? found.value.node?.type : undefined;
}

/** `5 to 1000`, or several of them; a leafref's is that of its target. */
function rangeOf(type: YangSchemaType | undefined): string | undefined {
  if (type?.target !== undefined) return rangeOf(type.target);
  return type?.range?.map(([least, most]) => (least === most ? least : `${least} to ${most}`)).join(", or ");
}

function valuesOf(type: YangSchemaType | undefined): readonly string[] {
  if (type === undefined) return [];
  if (type.target !== undefined) return valuesOf(type.target);
  return [...(type.enums ?? []).map(({ name }) => name), ...(type.union ?? []).flatMap(valuesOf)];
}

/** What fits one of several types, in words: `an IPv6 address`, `the word all`, `a number, 1 to 32`. */
function formsOf(type: YangSchemaType | undefined): readonly string[] {
  if (type === undefined) return [];
  if (type.target !== undefined) return formsOf(type.target);
  if (type.union === undefined) return [formOf(type)];
  const forms = type.union.flatMap(formsOf);
  const ip = ["address", "prefix"].find((what) => EITHER.every((kind) => forms.includes(`an ${kind} ${what}`)));
  if (ip === undefined) return forms;
  return [`an IP ${ip}`, ...forms.filter((form) => !EITHER.some((kind) => form === `an ${kind} ${ip}`))];
}

const EITHER = ["IPv4", "IPv6"];

/** Patterns of our modules that stand in a union. */
const FORMS: readonly { readonly begins: string; readonly form: string }[] = [
  { begins: "fe80::", form: "one of a link with its interface, in small letters, such as fe80::1%eth0" },
  { begins: "(/[a-z0-9]", form: "a capability name, such as /vision/ocr" },
  { begins: "((([a-zA-Z0-9_]", form: "a host name" },
];

function formOf(type: YangSchemaType): string {
  const values = [...valuesOf(type), ...(type.bits ?? [])];
  if (values.length > 0) return values.length === 1 ? `the word ${values[0]}` : `one of ${listed(values)}`;
  if (/int|decimal/.test(type.base)) return `a number, ${rangeOf(type) ?? type.base}`;
  const expression = type.patterns?.[0]?.expression;
  if (expression === undefined) return `a ${type.base}`;
  const kind = addressKind(expression);
  if (kind !== undefined) return `an ${kind}`;
  const known = FORMS.find(({ begins }) => expression.startsWith(begins));
  return known?.form ?? (/^\\?[^\w\\]$/.test(expression) ? expression.slice(-1) : `what matches ${expression}`);
}

function listed(values: readonly string[]): string {
  if (values.length > MOST) return `${values.slice(0, MOST).join(", ")} and ${values.length - MOST} more`;
  return values.length === 1 ? values[0]! : `${values.slice(0, -1).join(", ")} and ${values.at(-1)}`;
}
