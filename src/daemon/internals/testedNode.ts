/** The majors of Node.js on which the patches of Node.js and V8 in this folder were tested. */
export const TESTED_NODE_MAJORS: readonly number[] = [20, 22, 24];

/** Whether patches of Node.js and V8 may be applied: `version` is that of Node.js, such as `22.23.5`. */
export function isTestedNode(version: string = process.versions.node): boolean {
  return TESTED_NODE_MAJORS.includes(Number.parseInt(version, 10));
}
