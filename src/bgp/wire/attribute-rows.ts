import { type AttributeRow, OPTIONAL } from "./attribute-row.ts";
import { COMMUNITY_ROWS } from "./community-rows.ts";
import { PATH_ROWS } from "./path-rows.ts";
import { decodeSemantic, encodeSemantic } from "./semantic.ts";

function semanticRow(code: number): AttributeRow {
  return {
    code,
    name: "SEMANTIC",
    flags: OPTIONAL,
    onFault: "treat-as-withdraw",
    see: "DESIGN section 4.4",
    decode(value, draft) {
      const semantic = decodeSemantic(value.rest());
      if (typeof semantic === "string") return semantic;
      draft.semantic = semantic;
      return undefined;
    },
    encode(set, _context, out) {
      if (set.semantic !== undefined) encodeSemantic(set.semantic, out);
      return set.semantic !== undefined;
    },
  };
}

/** All rows in the order in which they are sent, SEMANTIC under the code that is configured. @see RFC 4271 §5 (SHOULD: ascending by code) */
export function attributeRows(semanticCode: number): readonly AttributeRow[] {
  return [...PATH_ROWS, ...COMMUNITY_ROWS, semanticRow(semanticCode)].sort((a, b) => a.code - b.code);
}
