import type { LoginValidation, Policy, PolicyLimit, PolicyList, ValidateLoginRequest } from 'imstate-client';
import { describeLimit, OTHER_CLASS } from '../../presence/policy.js';
import { describeConflict } from './onlineReport.js';
import { colors, renderTable } from './style.js';

/** The stored policies as a table; the default is among them. */
export function policyTable({
  policies,
  defaultPolicy,
}: Pick<PolicyList, 'policies' | 'defaultPolicy'>): string {
  const { green } = colors();
  const rows = policies.map((policy) => [
    [policy.name, policy.name === defaultPolicy ? green('default') : undefined],
    [policy.version === 0 ? 'preset' : `${policy.version}`, policy.author],
    [rulesOf(policy)],
  ]);
  return renderTable([['Name', 'Default'], ['Version', 'Author'], ['Rules']], rows);
}

/** Presets as a table. */
export function presetTable(presets: readonly Policy[]): string {
  return renderTable(
    [['Name'], ['Rules']],
    presets.map((preset) => [[preset.name], [rulesOf(preset)]]),
  );
}

/** The rules of a policy, briefly: in the words of its file. */
function rulesOf({ limits = [], exclusive = [] }: Policy): string {
  const rules = [
    ...limits.map((limit) => `${scopeOf(limit)} ${limit.max} ${limit.onConflict}`),
    ...exclusive.map((group) => `exclusive ${group.join(', ')}`),
  ];
  return rules.length === 0 ? 'none' : rules.join('; ');
}

function scopeOf(limit: PolicyLimit): string {
  return limit.per === 'class' ? limit.class : limit.per;
}

/** What a policy would decide, as human-readable lines. */
export function describeDecision(
  { userId, platform }: Pick<ValidateLoginRequest, 'userId' | 'platform'>,
  decision: LoginValidation,
  platformClass: string | undefined,
): string[] {
  const { green, red, yellow } = colors();
  const { policy = 'keep-all', rejected, replaced, replacedOmitted } = decision;
  const name = platform === undefined ? userId : `${userId} on ${platform}`;
  const counted = describeClass(platform, platformClass);
  if (rejected) {
    const limit = decision.limit === undefined ? '' : `: ${describeLimit(decision.limit)}`;
    return [
      `the login of ${name} would be ${red('rejected')} by ${policy}${limit}`,
      ...counted,
      ...describeConflict(decision),
    ];
  }
  const endsNone = replaced.length === 0;
  return [
    `the login of ${name} would be ${green('accepted')} by ${policy}${endsNone ? ', and end no session' : ''}`,
    ...counted,
    ...replaced.map(
      (ended) => `${yellow('ends')} session ${ended.sessionId} of ${ended.deviceId} at ${ended.serverAddr}`,
    ),
    ...(replacedOmitted > 0 ? [`${yellow('ends')} ${replacedOmitted} more sessions`] : []),
  ];
}

/** In which class a login counts; a missing or misspelt platform shows here. */
function describeClass(platform: string | undefined, platformClass: string | undefined): string[] {
  if (platformClass === undefined) return [];
  if (platformClass !== OTHER_CLASS) return [`it counts in class ${platformClass}`];
  const why = platform === undefined ? 'it has no platform' : `no class has the platform ${platform}`;
  return [`it counts in class ${OTHER_CLASS}: ${why}`];
}
