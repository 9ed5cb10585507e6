import { describe, expect, it } from 'vitest';
import { errorAnswer, HTTP_STATUS, httpError, isErrorCode, refusalError } from '../../../src/console/errors.ts';
import { AppError } from '../../../src/model/errors.ts';

describe('errors of the API', () => {
  it('have the status of design §7', () => {
    expect(HTTP_STATUS).toMatchObject({
      invalid_request: 400,
      unauthorized: 401,
      forbidden: 403,
      not_found: 404,
      already_acknowledged: 409,
      invalid_transition: 409,
      stale_version: 409,
      too_large: 413,
      unsupported_media_type: 415,
      invalid_detector: 422,
      log_unavailable: 503,
    });
  });

  it('carry code, message, help and details', () => {
    const error = httpError('invalid_request', 'No.', { help: 'Do.', details: [{ path: 'x', message: 'is wrong' }] });
    expect(errorAnswer(error)).toEqual({
      status: 400,
      body: {
        error: { code: 'invalid_request', message: 'No.', help: 'Do.', details: [{ path: 'x', message: 'is wrong' }] },
      },
    });
  });

  it('say nothing of what is not theirs', () => {
    for (const error of [new Error('password=hunter2'), new AppError('store_unavailable', 'secret'), 'secret', null]) {
      const { status, body } = errorAnswer(error);
      expect(status).toBe(500);
      expect(JSON.stringify(body)).not.toMatch(/hunter2|secret/);
    }
    expect(isErrorCode('toString')).toBe(false);
  });

  it('give each refusal its cure', () => {
    for (const code of [
      'already_acknowledged',
      'invalid_transition',
      'stale_version',
      'not_found',
      'invalid_request',
      'repeated',
    ] as const)
      expect(refusalError({ code, message: 'No.' }).help).not.toBe('');
  });
});
