// Every code of Stripe's tables (facts §5), in the class that this project gives it, beside the code: a test per code.
import { describe, expect, it } from 'vitest';
import { classify, describeCode, KNOWN_CODES } from '../../../src/attempts/codes.ts';

const FRAUD = `fraudulent stolen_card lost_card pickup_card restricted_card merchant_blacklist security_violation
  highest_risk_level rule partner_high_risk_customer lost_or_stolen_card payment_disputed compliance_violation`;
const TESTING = `incorrect_number invalid_number incorrect_cvc invalid_cvc invalid_expiry_month invalid_expiry_year incorrect_zip
  incorrect_address invalid_account new_account_information_available requested_block_on_incorrect_cvc
  requested_block_on_incorrect_zip`;
const AMBIGUOUS = `generic_decline do_not_honor call_issuer no_action_taken transaction_not_allowed service_not_allowed
  not_permitted do_not_try_again try_again_later revocation_of_authorization revocation_of_all_authorizations
  stop_payment_order partner_generic_decline invalid_authorization invalid_customer_account invalid_billing_agreement
  invalid_payment_information invalid_track_data partner_payment_not_found partner_action_not_supported`;
const BENIGN = `low_probability_of_authorization previously_declined_do_not_retry insufficient_funds
  withdrawal_count_limit_exceeded card_velocity_exceeded expired_card card_not_supported currency_not_supported
  invalid_amount duplicate_transaction processing_error issuer_not_available reenter_transaction approve_with_id
  incorrect_pin invalid_pin pin_try_exceeded offline_pin_required online_or_offline_pin_required
  mobile_device_authentication_required payment_limit_exceeded expired_payment_information invalid_business_account
  recurring_not_supported_by_bank card_already_activated partner_insufficient_funds partner_expired_card
  partner_processing_error partner_invalid_currency partner_invalid_amount partner_duplicate_transaction`;
const AUTHENTICATION = `authentication_required authentication_not_handled payment_intent_authentication_failure
  setup_intent_authentication_failure`;

const words = (text: string): readonly string[] => text.trim().split(/\s+/);
const TABLE = [
  ...words(FRAUD).map((code) => [code, 'F'] as const),
  ...words(TESTING).map((code) => [code, 'T'] as const),
  ...words(AMBIGUOUS).map((code) => [code, 'G'] as const),
  ...words(BENIGN).map((code) => [code, 'B'] as const),
  ...words(AUTHENTICATION).map((code) => [code, 'X'] as const),
];
const TEST_CARDS = ['testmode_decline', 'test_mode_live_card'];

describe('decline codes', () => {
  it.each(TABLE)('%s is %s, live and in test mode', (code, expected) => {
    for (const livemode of [true, false])
      for (const outcome of ['declined', 'blocked', 'invalid', 'authentication_failed'] as const)
        expect(classify({ outcome, code, livemode })).toBe(expected);
    expect(describeCode(code)).toMatch(/^[A-Za-z0-9][A-Za-z0-9 :,-]+$/);
    expect(describeCode(code)).not.toContain('_');
  });

  it.each(TEST_CARDS)('%s is T live and B in test mode', (code) => {
    expect(classify({ outcome: 'declined', code, livemode: true })).toBe('T');
    expect(classify({ outcome: 'declined', code, livemode: false })).toBe('B');
  });

  it('are these and no others', () => {
    expect(KNOWN_CODES.toSorted()).toEqual([...TABLE.map(([code]) => code), ...TEST_CARDS].toSorted());
    expect(new Set(KNOWN_CODES).size).toBe(KNOWN_CODES.length);
  });

  it.each(['moon_phase', '', 'constructor', '__proto__', '=1+1'])('an unknown one (%s) is G', (code) => {
    expect(classify({ outcome: 'declined', code, livemode: true })).toBe('G');
  });

  it('of a success is none', () => {
    expect(classify({ outcome: 'succeeded', code: 'fraudulent', livemode: true })).toBe('');
  });

  it('in words: an unknown one as it is, without underscores', () => {
    expect(describeCode('moon_phase')).toBe('moon phase');
    expect(describeCode('')).toBe('no code');
    expect(describeCode('card_velocity_exceeded')).toBe('balance, credit or amount limit reached');
  });
});
