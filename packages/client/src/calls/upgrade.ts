/** The feature level of a store: which forms of data its daemons may write. */
export interface FeatureLevel {
  /** The level in force, 1 or greater. */
  featureLevel: number;
  /** The lowest level that the daemon supports. */
  minSupported: number;
  /** The highest level that the daemon supports. */
  maxSupported: number;
}

/** How to finish an upgrade. */
export interface FinishUpgradeRequest {
  /** The level to raise to; by default the highest that the daemon supports. */
  featureLevel?: number | undefined;
  /** True to change nothing, and only check the request and the permission. */
  validateOnly?: boolean | undefined;
}

/** The response to a finished upgrade. */
export interface FinishUpgradeResult {
  /** The level before. */
  previousLevel: number;
  /** The level now; with `validateOnly`, what it would be. */
  featureLevel: number;
}
