/** What commands say if a daemon ignored fields that it does not know. */
export const DETAILS_IGNORED =
  'warning: a daemon is older than 0.2.0 and ignored --client-ip, --label and --app-version: update it';
export const REASON_IGNORED = 'warning: a daemon is older than 0.2.0 and ignored the reason: update it';
