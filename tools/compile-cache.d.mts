/** @param version of Node, as it says it: `v24.1.0` */
export function tidyCompileCache(folder: string, version: string): void;
