// Filters in CEL (Common Expression Language): type-checked against the variables of design §5 when a detector is loaded,
// bounded in size, without a clock. A run-time error is no match, and is counted.
import { Environment } from '@marcbachmann/cel-js';
import type { Attempt, SignalKind } from '../model/attempt.ts';

export type FilterSubject = 'attempt' | 'signal';

/** What a filter sees. Texts are '' when absent; amounts are minor units. */
export type FilterVariables = Readonly<Record<string, unknown>>;

export type Filter = (variables: FilterVariables) => boolean;

export type CompiledFilter = { readonly filter: Filter } | { readonly problem: string };

const LIMITS = { maxAstNodes: 400, maxDepth: 24, maxListElements: 200, maxMapEntries: 50, maxCallArguments: 8 };
const MAX_CHARACTERS = 4_000;

const TEXTS = [
  'outcome',
  'code',
  'class',
  'currency',
  'card',
  'brand',
  'funding',
  'country',
  'wallet',
  'customer',
  'email',
  'ip',
  'method',
  'kind',
] as const;

const environments: Readonly<Record<FilterSubject, Environment>> = {
  attempt: [...TEXTS]
    .reduce((env, name) => env.registerVariable(name, 'string'), baseEnvironment())
    .registerVariable('amount', 'int')
    .registerVariable('dunning', 'bool')
    .registerVariable('benign', 'bool')
    .registerVariable('metadata', 'map<string, string>'),
  signal: (['signal', 'reason', 'card', 'customer', 'email', 'currency'] as const)
    .reduce((env, name) => env.registerVariable(name, 'string'), baseEnvironment())
    .registerVariable('amount', 'int'),
};

function baseEnvironment(): Environment {
  return new Environment({ limits: LIMITS }).registerVariable('livemode', 'bool');
}

/** `onError` is called for each run-time error: the filter then says no. */
export function compileFilter(expression: string, subject: FilterSubject, onError: () => void): CompiledFilter {
  if (expression.length > MAX_CHARACTERS) return { problem: `is longer than ${MAX_CHARACTERS} characters` };
  const environment = environments[subject];
  const checked = check(environment, expression);
  if (checked !== null) return { problem: checked };
  const evaluate = environment.parse(expression);
  return {
    filter: (variables) => {
      try {
        return evaluate(variables as Record<string, unknown>) === true;
      } catch {
        onError();
        return false;
      }
    },
  };
}

function check(environment: Environment, expression: string): string | null {
  try {
    const result = environment.check(expression);
    if (!result.valid) return firstLine(result.error?.message ?? 'is not valid');
    return result.type === 'bool' ? null : `gives ${result.type}, not true or false`;
  } catch (error) {
    return firstLine(error instanceof Error ? error.message : String(error));
  }
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text;

export function attemptVariables(attempt: Attempt): FilterVariables {
  const { result, amount, currency, card, brand, funding, country, wallet, customer, email, ip, method, metadata } =
    attempt.fields;
  return {
    outcome: result?.outcome ?? '',
    code: result?.code ?? '',
    class: result?.class ?? '',
    benign: result?.class === 'B',
    currency: currency ?? '',
    card: card ?? '',
    brand: brand ?? '',
    funding: funding ?? '',
    country: country ?? '',
    wallet: wallet ?? '',
    customer: customer ?? '',
    email: email ?? '',
    ip: ip ?? '',
    method: method ?? '',
    amount: BigInt(amount ?? 0),
    kind: attempt.kind,
    dunning: attempt.dunning,
    livemode: attempt.livemode,
    metadata: metadata ?? {},
  };
}

export type SignalFacts = {
  readonly signal: SignalKind;
  readonly reason: string;
  readonly amount: number | undefined;
  readonly currency: string | undefined;
  readonly livemode: boolean;
  readonly card: string | undefined;
  readonly customer: string | undefined;
  readonly email: string | undefined;
};

export function signalVariables(facts: SignalFacts): FilterVariables {
  return {
    signal: facts.signal,
    reason: facts.reason,
    amount: BigInt(facts.amount ?? 0),
    currency: facts.currency ?? '',
    livemode: facts.livemode,
    card: facts.card ?? '',
    customer: facts.customer ?? '',
    email: facts.email ?? '',
  };
}
