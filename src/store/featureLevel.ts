/**
 * The feature levels of a store that this version reads and writes. Each level permits forms of keys and
 * records that the level before cannot read: docs/adr/0011-feature-levels.md. The level in force is kept with
 * the data, as `version` of the layout.
 *
 * - 1: the forms that imstate 0.1.0 reads.
 * - 2: optional fields may follow a record without empty metadata before them; all daemons apply session policies.
 */
export const FEATURE_LEVELS = { min: 1, max: 2 } as const;
/** From this level on every daemon applies session policies. */
export const POLICY_LEVEL = 2;

/**
 * Why this version cannot use a store of the feature level, and what to do, as the end of a message about the
 * level; undefined if it can.
 */
export function levelFault(level: number): string | undefined {
  const { min, max } = FEATURE_LEVELS;
  if (level >= min && level <= max) return undefined;
  const remedy =
    level > max ? 'install the newer version that wrote it' : 'upgrade by way of a version in between';
  return `${level}, and this imstate supports ${min} to ${max}: ${remedy}`;
}
