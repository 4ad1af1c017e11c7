import type { StoredPolicy } from 'imstate-client';
import { Document, isCollection, isMap, isSeq, visit } from 'yaml';
import { printable, withEscapes } from './printable.js';

/** A policy as a file that imstate policy apply reads, with what is known of it as a comment. */
export function policyYaml(policy: StoredPolicy, isDefault: boolean): string {
  const { version, author } = policy;
  const about = version === 0 ? 'a preset, not stored' : `version ${version}, by ${onOneLine(author ?? '')}`;
  return withEscapes(
    `# ${about}${isDefault ? ', the default policy' : ''}\n${rulesAsYaml(policy).trimEnd()}`,
  );
}

/** A text of a comment: one that has several lines would add rules. */
function onOneLine(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** A class, a limit and a group have a line each. Texts with unprintable characters are quoted for escapes. */
function rulesAsYaml({ name, platforms, classes, limits, exclusive }: StoredPolicy): string {
  const rules = Object.entries({ name, platforms, classes, limits, exclusive }).filter(
    ([, value]) => typeof value === 'string' || Object.keys(value).length > 0,
  );
  const document = new Document(Object.fromEntries(rules));
  visit(document, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'string' && printable(scalar.value) !== scalar.value)
        scalar.type = 'QUOTE_DOUBLE';
    },
  });
  for (const { value } of isMap(document.contents) ? document.contents.items : []) {
    const parts = isMap(value) ? value.items.map((pair) => pair.value) : isSeq(value) ? value.items : [];
    for (const part of parts) if (isCollection(part)) part.flow = true;
  }
  return document.toString({ lineWidth: 100 });
}
