/**
 * A text of several paragraphs, written as a template: its lines are joined, and empty lines separate
 * paragraphs.
 */
export function prose(texts: TemplateStringsArray, ...values: string[]): string {
  const text = String.raw({ raw: texts }, ...values);
  const paragraphs = text.trim().split(/\n\s*\n/);
  return paragraphs.map((paragraph) => paragraph.trim().replace(/\s*\n\s*/g, ' ')).join('\n\n');
}
