import { describe, expect, it } from 'vitest';
import { plainValue, readEraseRequest } from '../../../src/app/erase-request.ts';

const refused = (body: unknown): unknown => {
  try {
    return readEraseRequest(body);
  } catch (error) {
    return error;
  }
};

describe('what an erase is asked for with', () => {
  it.each([
    [{ customer: ' cus_1 ' }, { kind: 'customer', value: 'cus_1' }],
    [{ customer: 'shop-user-7' }, { kind: 'customer', value: 'shop-user-7' }],
    [{ email: ' Ana@Shop.example' }, { kind: 'email', value: 'ana@shop.example' }],
    [{ card: 'Xt5EWLLDS7FJjR1c' }, { kind: 'card', value: 'Xt5EWLLDS7FJjR1c' }],
  ])('%j is understood', (body, asked) => {
    expect(readEraseRequest(body)).toEqual({ asked, dryRun: false });
    expect(readEraseRequest({ ...body, dryRun: true })).toEqual({ asked, dryRun: true });
  });

  it.each([
    ['nothing', '', 'body is a JSON object'],
    [{}, '', 'name one of'],
    [{ phone: '1' }, 'phone', 'not known here'],
    [{ customer: 'cus_1', card: 'fp' }, '', 'name one of'],
    [{ customer: '' }, 'customer', '1 to 320 characters'],
    [{ customer: '  ' }, 'customer', '1 to 320 characters'],
    [{ customer: 7 }, 'customer', '1 to 320 characters'],
    [{ email: `${'a'.repeat(320)}@x.example` }, 'email', '1 to 320 characters'],
    [{ email: 'cus_1' }, 'email', 'is an e-mail address'],
    [{ email: 'a•••@x•••.example' }, 'email', 'is a mask'],
    [{ customer: 'ana@shop.example' }, 'customer', 'ask for it as one'],
    [{ customer: 'pi_123' }, 'customer', 'the id of a customer'],
    [{ customer: 'cus_1 cus_2' }, 'customer', 'give one value'],
    [{ customer: 'cus_\u202e1' }, 'customer', 'invisible'],
    [{ card: '4242 4242 4242 4242' }, 'card', 'not a card number'],
    [{ card: '4242424242424242' }, 'card', 'not a card number'],
    [{ card: 'pm_123' }, 'card', 'the fingerprint of a card'],
    [{ card: 'cus_123' }, 'card', 'the fingerprint of a card'],
    [{ customer: 'cus_1', dryRun: 'yes' }, 'dryRun', 'true or false'],
  ])('%j is refused, and what is wrong is named', (body, path, message) => {
    const error = refused(body);
    expect(error).toMatchObject({ code: 'invalid_request', help: expect.stringContaining('docs/erase.md') });
    const details = [expect.objectContaining({ path, message: expect.stringContaining(message) })];
    expect(error).toMatchObject({ details: expect.arrayContaining(details) });
  });

  it('a refusal does not repeat the value', () => {
    for (const body of [{ customer: 'ana@shop.example' }, { email: 'ana shop@shop.example' }, { card: 'pm_ana' }])
      expect(JSON.stringify(refused(body)) + String(refused(body))).not.toContain('ana');
  });

  it('an e-mail is of small letters, as it stands in the log; anything else stays', () => {
    expect(plainValue('email', ' A@B ')).toBe('a@b');
    expect(plainValue('card', ' Ab ')).toBe('Ab');
    expect(plainValue('card', undefined)).toBe('');
  });
});
