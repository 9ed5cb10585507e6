// What a change of a detector would have done, in a line: the same words in the sheet, in Slack and in the console. Pure.
import { formatMoney } from './money.ts';
import type { WhatIf, WhatIfDifference } from './what-if.ts';
import { formatCount, plural } from './words.ts';

const DAY_MS = 86_400_000;

/** `41 → 96 incidents in 30 days, +55, 6 of them fraud, 31 more customers, 12,400.00 USD at stake`. */
export function whatIfWords(result: WhatIf): string {
  const { before, after, addedCount, removedCount, changedSeverity, sinceMs, untilMs, lacking } = result;
  const days = Math.max(1, Math.round((untilMs - sinceMs) / DAY_MS));
  const parts = [
    `${formatCount(before.incidents)} → ${formatCount(after.incidents)} incidents in ${plural(days, 'day')}`,
    ...(addedCount === 0 ? [] : [`+${formatCount(addedCount)}`, ...differenceWords(result.addedWith, 'more')]),
    ...(removedCount === 0 ? [] : [`−${formatCount(removedCount)}`, ...differenceWords(result.removedWith, 'fewer')]),
    ...(changedSeverity === 0 ? [] : [`${formatCount(changedSeverity)} of another severity`]),
    ...(addedCount + removedCount + changedSeverity === 0 ? ['nothing changes'] : []),
    ...lacking.map(({ field }) => `${field} read again from Stripe’s events`),
  ];
  return parts.join(', ');
}

function differenceWords({ fraud, customers, amounts }: WhatIfDifference, word: 'more' | 'fewer'): readonly string[] {
  const money = amounts ?? [];
  return [
    `${fraud === 0 ? 'none' : formatCount(fraud)} of them fraud`,
    ...(customers === null || customers === 0
      ? []
      : [`${formatCount(customers)} ${word} ${customers === 1 ? 'customer' : 'customers'}`]),
    ...(money.length === 0
      ? []
      : [`${money.map(({ amount, currency }) => formatMoney(amount, currency)).join(' and ')} at stake`]),
  ];
}
