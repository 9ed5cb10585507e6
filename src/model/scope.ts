// A scope is (Stripe account, livemode). Nothing is ever counted across scopes, and it is the key of `attempts`.

export type Scope = {
  /** Connected account id, or null for the platform's own account. */
  readonly account: string | null;
  readonly livemode: boolean;
};

/** `self/live`, `acct_1/test`: stable, used as record key and in ids. */
export function scopeId(scope: Scope): string {
  return `${scope.account ?? 'self'}/${scope.livemode ? 'live' : 'test'}`;
}
