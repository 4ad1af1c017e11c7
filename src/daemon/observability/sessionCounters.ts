import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { EndReason } from 'imstate-client/internal/shared/session';
import type { Login, LoginResult, Logout } from '../../presence/sessions.js';
import type { Answer, Operation } from '../../store/operations.js';

/** How many logins this daemon has executed, and how many sessions it has ended, by reason. */
export class SessionCounters {
  readonly ended: Record<EndReason, number> = {
    LOGOUT: 0,
    REPLACED: 0,
    EXPIRED: 0,
    SERVER_LOST: 0,
    EVICTED: 0,
  };
  logins = 0;
  /** Logins that were rejected because the user has too many devices online. */
  rejectedLogins = 0;
  /** Logins that a session policy rejected, by the name of the policy. */
  readonly policyRejections = new Map<string, number>();

  /** A login was answered. A repeated login counts again. */
  login({ policy }: Login, { endReason, rejection, replaced }: LoginResult): void {
    if (rejection !== undefined)
      this.policyRejections.set(policy.name, (this.policyRejections.get(policy.name) ?? 0) + 1);
    else if (endReason === undefined) this.logins += 1;
    this.ended.REPLACED += replaced.length;
  }

  /** A login has failed. */
  loginFailed(error: unknown): void {
    if (error instanceof ImstateError && error.code === 'RESOURCE_EXHAUSTED') this.rejectedLogins += 1;
  }

  /** A logout was answered. If it has a grace, the sweep records its end later. */
  logout({ graceMs }: Logout, applied: boolean): void {
    if (applied && graceMs === 0) this.ended.LOGOUT += 1;
  }

  /** Operations were answered, or have failed. */
  operations(operations: readonly Operation[], answers: readonly (Answer | Error)[]): void {
    for (let i = 0; i < operations.length; i++) {
      const { type, request } = operations[i] as Operation;
      const answer = answers[i];
      if (answer instanceof Error) {
        if (type === 'online') this.loginFailed(answer);
      } else if (type === 'online') this.login(request, answer as LoginResult);
      else if (type === 'offline') this.logout(request, answer as boolean);
    }
  }
}
