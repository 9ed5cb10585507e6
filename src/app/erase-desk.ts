// Erases as the console handles them: looked for first, and done only if the same value is given once more. What it is stays in
// no hands between the two: the second is compared with a token of the first, under a key of this run.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { EraseDesk } from '../console/options.ts';
import { type Asked, ERASE_KIND_WORDS, type EraseStatus } from '../model/erase-status.ts';
import { AppError } from '../model/errors.ts';
import type { EraseJobs } from './erase-jobs.ts';
import { isEraseKind, plainValue, readEraseRequest } from './erase-request.ts';

type Looked = {
  readonly token: Buffer;
  /** The erase that it became; null: none yet. */
  readonly became: string | null;
};

/** No more than the jobs remember. */
const MAX_LOOKED = 50;

export function createEraseDesk({ erases }: { readonly erases: EraseJobs }): EraseDesk {
  const key = randomBytes(32);
  const tokenOf = ({ kind, value }: Asked): Buffer =>
    createHmac('sha256', key).update(`${kind}\u0000${value}`).digest();
  const looked = new Map<string, Looked>();
  const follow = (id: string): EraseStatus | null => erases.status(looked.get(id)?.became ?? id);
  return {
    look: ({ kind, value }, actor) => {
      if (!isEraseKind(kind))
        throw new AppError('invalid_request', 'It is not known what to look for.', {
          help: 'Choose customer, e-mail or card.',
        });
      const { asked } = readEraseRequest({ [kind]: value });
      const status = erases.start({ asked, dryRun: true, actor });
      looked.set(status.id, { token: tokenOf(asked), became: null });
      const [eldest] = looked.keys();
      if (looked.size > MAX_LOOKED && eldest !== undefined) looked.delete(eldest);
      return status;
    },
    confirm: (id, given, actor) => {
      const [first, preview] = [looked.get(id), erases.status(id)];
      if (first === undefined || preview === null)
        throw new AppError('not_found', 'What was looked for is not known here any more.', {
          help: 'Look for it again.',
        });
      const asked = { kind: preview.by, value: plainValue(preview.by, given) };
      if (!timingSafeEqual(tokenOf(asked), first.token))
        throw new AppError('invalid_request', `This is not the ${ERASE_KIND_WORDS[preview.by]} that was looked for.`, {
          help: 'Nothing was done. Type it as you did before, or look for this one first.',
        });
      const begun = first.became === null ? null : erases.status(first.became);
      if (begun !== null) return begun;
      if (preview.state !== 'done' || preview.found?.isKnown !== true)
        throw new AppError('invalid_transition', 'There is nothing to be erased, or it is not known yet what.', {
          help: 'Wait until it has been looked for, or look again.',
        });
      const status = erases.start({ asked, dryRun: false, actor });
      looked.set(id, { ...first, became: status.id });
      return status;
    },
    get: follow,
    list: () => erases.list(),
  };
}
