/** Text that cannot move a cursor or hide anything: names and descriptions come from other routers and agents. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\ufffd");
}
