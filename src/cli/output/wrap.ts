/** The text in lines of at most `width` letters, broken between words; within a word only where it is longer than a line. */
export function wrap(text: string, width: number): string[] {
  const line = new RegExp(`(?=\\S)(?:.{1,${width}}(?=\\s|$)|.{${width}})`, 'gsu');
  return text.match(line) ?? [];
}
