import type { Access } from "../datastore/index.ts";
import type { StateRow } from "./source.ts";

/** What somebody may see of rows. Rows of which all may be seen are given as they are. */
export function readableRows(rows: readonly StateRow[], access: Access | undefined): readonly StateRow[] {
  if (access === undefined || access.hidden.length === 0) return rows;
  return rows.flatMap((row) => {
    const value = access.readable(row.path, row.value);
    if (value === row.value) return [row];
    return value === undefined ? [] : [{ path: row.path, value: value as StateRow["value"] }];
  });
}
