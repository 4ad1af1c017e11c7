/** The addresses of a flag that takes several, separated by commas. */
export function addressList(text: string): string[] {
  return text.split(',').map((addr) => addr.trim());
}
