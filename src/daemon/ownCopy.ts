/**
 * A copy of a text that is kept beyond the call it came with. V8 makes a part of a string a slice, which keeps the whole string in
 * memory: an id of 20 bytes would hold a message of 1 MiB.
 */
export function ownCopy<Text extends string | undefined>(text: Text): Text {
  return (text && Buffer.from(text).toString()) as Text;
}
