// The one table of decline codes: class and words. Source: Stripe's pages on decline codes and on Radar; the class is
// this project's judgement of what the code says about fraud.
import type { CodeClass, Outcome } from '../model/attempt.ts';

type Row = readonly [code: string, codeClass: Exclude<CodeClass, ''>, words: string];

const TABLE: readonly Row[] = [
  ['fraudulent', 'F', 'Stripe suspects fraud'],
  ['stolen_card', 'F', 'card reported stolen'],
  ['lost_card', 'F', 'card reported lost'],
  ['pickup_card', 'F', 'card to be picked up, possibly lost or stolen'],
  ['restricted_card', 'F', 'card restricted, possibly lost or stolen'],
  ['merchant_blacklist', 'F', 'on the block list'],
  ['security_violation', 'F', 'security violation'],
  ['highest_risk_level', 'F', 'blocked by Radar: highest risk'],
  ['rule', 'F', 'blocked by a Radar rule'],
  ['partner_high_risk_customer', 'F', 'provider says high risk'],
  ['lost_or_stolen_card', 'F', 'lost or stolen'],
  ['payment_disputed', 'F', 'payment disputed at the provider'],
  ['compliance_violation', 'F', 'compliance violation at the provider'],
  ['incorrect_number', 'T', 'wrong card number'],
  ['invalid_number', 'T', 'wrong card number'],
  ['incorrect_cvc', 'T', 'wrong CVC'],
  ['invalid_cvc', 'T', 'wrong CVC'],
  ['invalid_expiry_month', 'T', 'wrong expiry month'],
  ['invalid_expiry_year', 'T', 'wrong expiry year'],
  ['incorrect_zip', 'T', 'wrong postal code'],
  ['incorrect_address', 'T', 'wrong address'],
  ['invalid_account', 'T', 'invalid card or account'],
  ['new_account_information_available', 'T', 'card or account out of date'],
  ['requested_block_on_incorrect_cvc', 'T', 'blocked by Radar: wrong CVC'],
  ['requested_block_on_incorrect_zip', 'T', 'blocked by Radar: wrong postal code'],
  ['generic_decline', 'G', 'declined without a reason'],
  ['do_not_honor', 'G', 'issuer: do not honor'],
  ['call_issuer', 'G', 'issuer: call us'],
  ['no_action_taken', 'G', 'issuer took no action'],
  ['transaction_not_allowed', 'G', 'transaction not allowed'],
  ['service_not_allowed', 'G', 'service not allowed'],
  ['not_permitted', 'G', 'not permitted'],
  ['do_not_try_again', 'G', 'issuer: do not try again'],
  ['try_again_later', 'G', 'issuer: try again later'],
  ['revocation_of_authorization', 'G', 'authorization revoked'],
  ['revocation_of_all_authorizations', 'G', 'all authorizations revoked'],
  ['stop_payment_order', 'G', 'stop payment order'],
  ['partner_generic_decline', 'G', 'provider declined'],
  ['invalid_authorization', 'G', 'invalid authorization'],
  ['invalid_customer_account', 'G', 'invalid customer account'],
  ['invalid_billing_agreement', 'G', 'invalid billing agreement'],
  ['invalid_payment_information', 'G', 'invalid payment information'],
  ['invalid_track_data', 'G', 'invalid track data'],
  ['partner_payment_not_found', 'G', 'payment not found at the provider'],
  ['partner_action_not_supported', 'G', 'action not supported by the provider'],
  ['low_probability_of_authorization', 'B', 'not sent: low probability of approval'],
  ['previously_declined_do_not_retry', 'B', 'not sent: declined before'],
  ['insufficient_funds', 'B', 'insufficient funds'],
  ['withdrawal_count_limit_exceeded', 'B', 'limit of the card reached'],
  ['card_velocity_exceeded', 'B', 'balance, credit or amount limit reached'],
  ['expired_card', 'B', 'card expired'],
  ['card_not_supported', 'B', 'card not supported'],
  ['currency_not_supported', 'B', 'currency not supported'],
  ['invalid_amount', 'B', 'invalid amount'],
  ['duplicate_transaction', 'B', 'duplicate transaction'],
  ['processing_error', 'B', 'processing error'],
  ['issuer_not_available', 'B', 'issuer not available'],
  ['reenter_transaction', 'B', 'to be entered again'],
  ['approve_with_id', 'B', 'to be tried again'],
  ['incorrect_pin', 'B', 'wrong PIN'],
  ['invalid_pin', 'B', 'wrong PIN'],
  ['pin_try_exceeded', 'B', 'too many PIN tries'],
  ['offline_pin_required', 'B', 'PIN required'],
  ['online_or_offline_pin_required', 'B', 'PIN required'],
  ['mobile_device_authentication_required', 'B', 'device authentication required'],
  ['payment_limit_exceeded', 'B', 'payment limit reached'],
  ['expired_payment_information', 'B', 'payment information expired'],
  ['invalid_business_account', 'B', 'invalid business account'],
  ['recurring_not_supported_by_bank', 'B', 'bank does not support recurring payments'],
  ['card_already_activated', 'B', 'card already activated'],
  ['partner_insufficient_funds', 'B', 'insufficient funds'],
  ['partner_expired_card', 'B', 'expired at the provider'],
  ['partner_processing_error', 'B', 'processing error at the provider'],
  ['partner_invalid_currency', 'B', 'currency not supported'],
  ['partner_invalid_amount', 'B', 'invalid amount'],
  ['partner_duplicate_transaction', 'B', 'duplicate transaction'],
  ['authentication_required', 'X', 'authentication required'],
  ['authentication_not_handled', 'X', 'authentication not handled'],
  ['payment_intent_authentication_failure', 'X', '3-D Secure authentication failed'],
  ['setup_intent_authentication_failure', 'X', '3-D Secure authentication failed'],
];

/** Test cards in live mode are tried by testers; in test mode they are what one uses. */
const TEST_MODE: readonly (readonly [code: string, words: string])[] = [
  ['testmode_decline', 'test card in live mode'],
  ['test_mode_live_card', 'live card in test mode'],
];

const rows = new Map(TABLE.map((row) => [row[0], row]));
const testModeWords = new Map(TEST_MODE);

export const KNOWN_CODES: readonly string[] = [...rows.keys(), ...testModeWords.keys()];

/** The class of a result: '' for a success, G for a code that is not in the table. */
export function classify({
  outcome,
  code,
  livemode,
}: {
  outcome: Outcome;
  code: string;
  livemode: boolean;
}): CodeClass {
  if (outcome === 'succeeded') return '';
  if (testModeWords.has(code)) return livemode ? 'T' : 'B';
  return rows.get(code)?.[1] ?? 'G';
}

/** The code in words for people; an unknown code with its underscores as spaces. */
export function describeCode(code: string): string {
  return rows.get(code)?.[2] ?? testModeWords.get(code) ?? (code === '' ? 'no code' : code.replaceAll('_', ' '));
}
