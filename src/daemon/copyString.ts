/**
 * A copy of a string that outlives its call. V8 represents a part of a string as a slice of the whole one,
 * and keeps that in memory: an ID of 20 bytes would retain a message of 1 MiB.
 */
export function copyString<Text extends string | undefined>(text: Text): Text {
  return (text && Buffer.from(text).toString()) as Text;
}
