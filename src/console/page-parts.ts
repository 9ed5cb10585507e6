// What the routes of all pages share.
import type { Assets } from './assets.ts';
import type { Desk } from './desk.ts';
import { type ErrorJson, type ErrorStatus, errorAnswer } from './errors.ts';
import { type ConsoleContext, callerOf, type Guard } from './guard.ts';
import type { FormContext } from './incident-forms.ts';
import type { Notice, Page } from './layout.ts';
import type { ConsoleOptions } from './options.ts';

export type PageParts = Pick<
  ConsoleOptions,
  'health' | 'failedDeliveries' | 'preview' | 'demo' | 'tuning' | 'deadLetters' | 'erases' | 'months'
> & {
  readonly desk: Desk;
  readonly guard: Guard;
  readonly assets: Assets;
};

export type Show = (c: ConsoleContext, page: Page, status?: ErrorStatus | 200 | 202) => Response | Promise<Response>;

export const formsOf = (c: ConsoleContext, back: FormContext['back'] = null): FormContext => ({
  caller: callerOf(c),
  back,
});

export const sentence = ({ message, help, details }: ErrorJson['error']): string =>
  [message, ...details.map(({ path, message: own }) => `${path} ${own}.`.trim()), help]
    .filter((part) => part !== '')
    .join(' ');

/** What a person can mend is said on the page that they were on; anything else is thrown on. */
export function problemOf(error: unknown): { readonly notice: Notice; readonly status: ErrorStatus } {
  const { status, body } = errorAnswer(error);
  if (status !== 400 && status !== 404 && status !== 409 && status !== 422) throw error;
  return { notice: { kind: 'problem', text: sentence(body.error) }, status };
}
