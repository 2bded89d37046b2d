/**
 * Where the text of a file stops being JSON, in one line as `check-config` has it; absent where it is JSON. Asked when a
 * router has refused it, whose answer knows of no file.
 */
export async function notJson(file: string, text: string): Promise<string | undefined> {
  // Loaded here, since hardly ever needed.
  const { JsonSyntaxError, parseJsonDocument } = await import("../management/index.ts");
  try {
    parseJsonDocument(text);
    return undefined;
  } catch (cause) {
    if (!(cause instanceof JsonSyntaxError)) throw cause;
    return `${file}:${cause.line}: not JSON: column ${cause.column}: ${cause.message}`;
  }
}
