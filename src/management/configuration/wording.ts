/** Leaves whose value no message may contain: those of the keystore, and where passwords stood before there was one. */
const SECRET_LEAVES: ReadonlySet<string> = new Set(["cleartext-symmetric-key", "password", "further-password"]);

const nameOf = (leaf: string): string => leaf.slice(leaf.indexOf(":") + 1);

export function isSecret(leaf: string): boolean {
  return SECRET_LEAVES.has(nameOf(leaf));
}

/** Whether no message about a fault has its value: what is no hash may be the password itself. */
export function isUntold(leaf: string): boolean {
  return isSecret(leaf) || nameOf(leaf) === "password-hash";
}

/**
 * As {@link reasonOf}, of the value of a secret: nothing of it is said. `appTag`: the message is that of the model. `path`:
 * of the leaf; the name of the entry that it stands in is said where it has it.
 */
export function reasonOfSecret(message: string, appTag: string | undefined, path = ""): string {
  if (appTag === undefined && IS_ABSENCE.test(message)) return absenceOf(path);
  if (appTag !== undefined) return reasonOf(message);
  return /Base64/.test(message) ? "a key is written in base64" : "not of the form that is expected here";
}

function absenceOf(path: string): string {
  const leaf = path.slice(path.lastIndexOf("/") + 1).replace(/^.*:/, "");
  const name = /\[name=(?:'([^']*)'|"([^"]*)")\]\/[^/]*$/.exec(path);
  const key = name === null ? "the key" : `the key ${name[1] ?? name[2]}`;
  return `missing, and it is mandatory: ${key} has no octets: give them as ${leaf}, in base64`;
}

const IS_ABSENCE = /^Mandatory node /;
const IPV6_PATTERN = "[0-9a-fA-F]{0,4}";
const IPV4_PATTERN = "1[0-9][0-9]|2[0-4][0-9]|25[0-5]";
/** Of a value that fits none of several types: `namingAllowed` says which. */
export const FITS_NOTHING = "nothing of what may stand here";

/** `IPv6 address`, `IPv4 prefix`: what a pattern of ietf-inet-types is about. */
export function addressKind(expression: string): string | undefined {
  const kind = expression.includes(IPV6_PATTERN) ? "IPv6" : expression.includes(IPV4_PATTERN) ? "IPv4" : undefined;
  return kind === undefined ? undefined : `${kind} ${expression.includes("/") ? "prefix" : "address"}`;
}
const withoutPrefixes = (path: string): string => path.replace(/\/[^/:]+:/g, "/");

/** How JSON has values (RFC 7951, section 6), by what libyang calls it. */
const ENCODINGS: ReadonlyMap<string, string> = new Map([
  ["number", "a number is expected, without quotes"],
  ["num64", 'a number of 64 bits is expected, within quotes: "1000"'],
]);

/** What libyang says, for people who have not read the model. Unknown messages stay as they are. */
const WORDINGS: readonly { readonly pattern: RegExp; readonly say: (match: RegExpExecArray) => string }[] = [
  {
    pattern: /^Unsatisfied pattern - ".*" does not conform to "(?<expression>.*)"\.?$/s,
    say: ({ groups }) => {
      const { expression } = groups as { readonly expression: string };
      const kind = addressKind(expression);
      return kind === undefined ? `does not match ${expression}` : `not an ${kind}`;
    },
  },
  { pattern: /^Failed to convert IPv6 (address|prefix)/i, say: ([, what]) => `not an IPv6 ${what}` },
  { pattern: /^Invalid union value /, say: () => FITS_NOTHING },
  {
    pattern: /^The \w+ ".*" is expected to be represented as JSON (?:\w+\/)?(array|object)/,
    say: ([, wanted]) => `an ${wanted} is expected`,
  },
  { pattern: /^Expecting JSON name\/array of /, say: () => "an array is expected" },
  { pattern: /^Expecting JSON name\/object but /, say: () => "an object is expected" },
  {
    pattern: /^(Expecting JSON name\/value|Expected JSON name\/value|Unexpected input data)/,
    say: () => "a single value is expected",
  },
  {
    pattern: /^Invalid leafref value "(.*)" - no target instance "(.*)\/(.*)" with the same value\.?$/s,
    say: ([, value, list, leaf]) =>
      `there is no ${withoutPrefixes(list!.replace(/\[[^\]]*\]/g, ""))} with the ${leaf!.replace(/^.*:/, "")} ${value}`,
  },
  { pattern: /^Mandatory node "(.*)" instance does not exist\.?$/, say: () => "missing, and it is mandatory" },
  { pattern: /^Too few "(.*)" instances\.?$/, say: () => "has too few entries" },
  { pattern: /^Too many "(.*)" instances\.?$/, say: () => "has too many entries" },
  { pattern: /^Duplicate instance of "(.*)"\.?$/, say: () => "stands there twice" },
  {
    pattern: /^List instance is missing its key "(.*)"\.?$/,
    say: ([, key]) => `the entry has no ${key}, which is its key`,
  },
  { pattern: /^Invalid enumeration value /, say: () => "not one of the values that are allowed here" },
  {
    pattern: /^Value ".*" is out of type (u?)int(8|16|32) min\/max bounds\.?$/s,
    say: ([, unsigned, bits]) => `out of range: ${boundsOf(Number(bits), unsigned === "u")}`,
  },
  {
    pattern: /^Value ".*" is out of type (\w+) min\/max bounds\.?$/s,
    say: ([, type]) => `out of the range of ${type}`,
  },
  {
    pattern: /^(\S+) has no module$/,
    say: ([, name]) =>
      `${name} does not say its module: the top node is written module:name, as in semrd-router:router`,
  },
  { pattern: /^Unsatisfied range - /, say: () => "out of range" },
  { pattern: /^Unsatisfied length - /, say: () => "too short or too long" },
  {
    pattern: /^Invalid non-(\w+)-encoded (\w+) value "(.*)"\.?$/s,
    say: ([, wanted, type, value]) =>
      wanted === "number" && !Number.isFinite(Number(value))
        ? notOf(type!)
        : (ENCODINGS.get(wanted!) ?? `a ${wanted} is expected`),
  },
  { pattern: /^Invalid type (u?int(?:8|16|32|64)) value "/, say: ([, type]) => notOf(type!) },
  { pattern: /^Node "(.*)" not found as a child of /, say: () => "unknown: there is no such node in the model" },
  { pattern: /^No module named "(.*)" in the context\.?$/, say: ([, module]) => `there is no module ${module}` },
  { pattern: /^When condition "(.*)" not satisfied\.?$/, say: ([, when]) => `only allowed when ${when}` },
  {
    pattern: /^Unique data leaf\(s\) "(.*)" not satisfied in "(.*)" and "(.*)"\.?$/,
    say: ([, leaves, first]) =>
      `${leaves} must be unique, and ${first!.slice(first!.lastIndexOf("/") + 1)} has the same`,
  },
];

function boundsOf(bits: number, isUnsigned: boolean): string {
  const values = 2 ** bits;
  return isUnsigned ? `0 to ${values - 1} is allowed` : `${-values / 2} to ${values / 2 - 1} is allowed`;
}

/** Of a value that is no number at all. */
function notOf(type: string): string {
  const [, unsigned, bits] = /^(u?)int(8|16|32)$/.exec(type) ?? [];
  return bits === undefined ? "not a number" : `not a number: ${boundsOf(Number(bits), unsigned === "u")}`;
}

export function reasonOf(message: string): string {
  for (const { pattern, say } of WORDINGS) {
    const match = pattern.exec(message);
    if (match !== null) return say(match);
  }
  // Of a model, where it goes over several lines.
  return message.replace(/\s*\n\s*/g, " ");
}
