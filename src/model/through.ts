// What got through: the payments that succeeded on an incident's entity since its first attempt. Read from the log, told
// beside the declines.

export type Through = {
  /** Succeeded payments and saved cards. */
  readonly count: number;
  /** Top 3 currencies by count. Minor units. */
  readonly amounts: readonly { readonly currency: string; readonly amount: number; readonly count: number }[];
  /** Ids of the customers of the entity's attempts, declined ones included: the newest, at most 3. */
  readonly customers: readonly string[];
};
