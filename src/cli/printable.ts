/** What others have written may hold anything, also what a terminal would obey: control characters as escapes. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => {
    const escaped = JSON.stringify(control).slice(1, -1);
    return escaped === control ? `\\u00${control.charCodeAt(0).toString(16)}` : escaped;
  });
}
