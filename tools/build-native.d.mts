export function buildNative(parts: { readonly root: string; readonly log: (line: string) => void }): Promise<boolean>;
