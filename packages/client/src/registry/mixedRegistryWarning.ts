/** The warning about legacy servers beside imstate daemons; there is at least one. */
export function mixedRegistryWarning(legacyAddrs: string[]): string {
  const isOne = legacyAddrs.length === 1;
  return (
    `mixed registry: ${legacyAddrs.join(', ')} ${isOne ? 'serves' : 'serve'} only pb.UserStatus and ` +
    `${isOne ? 'does' : 'do'} not share sessions with the imstate daemons: finish the migration and stop ` +
    `${isOne ? 'it' : 'them'}, as docs/migrating.md describes`
  );
}
