/** The value of a boolean flag as text, such as IMSTATE_TLS; undefined if it is neither yes nor no. */
export function yesOrNo(text: string): boolean | undefined {
  if (/^(1|true|y|yes|on)$/i.test(text)) return true;
  return /^(0|false|n|no|off)$/i.test(text) ? false : undefined;
}
