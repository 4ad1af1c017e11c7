/** What a text says that stands for a flag without a value, such as that of IMSTATE_TLS; undefined if it says neither. */
export function yesOrNo(text: string): boolean | undefined {
  if (/^(1|true|y|yes|on)$/i.test(text)) return true;
  return /^(0|false|n|no|off)$/i.test(text) ? false : undefined;
}
