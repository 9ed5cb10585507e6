// `GET` and `POST /api/erase`: takes a person out of what is kept, and says how far it is.
import type { Operation } from '../console/options.ts';
import { AppError } from '../model/errors.ts';
import type { EraseJobs } from './erase-jobs.ts';
import { readEraseRequest } from './erase-request.ts';

export function eraseOperations({ erases }: { readonly erases: EraseJobs }): Operation[] {
  return [
    {
      method: 'GET',
      path: '/erase',
      run: async ({ query }) => {
        const id = query.get('id');
        const erase = erases.status(id);
        if (erase === null && id !== null)
          throw new AppError('not_found', 'No such erase is known here.', {
            help: 'It may have been asked of another process, or before the last start: ask again, what is done stays done.',
          });
        return { status: 200, body: { erase } };
      },
    },
    {
      method: 'POST',
      path: '/erase',
      run: async ({ body, actor }) => ({
        status: 202,
        body: { erase: erases.start({ ...readEraseRequest(body), actor }) },
      }),
    },
  ];
}
