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

/**
 * `onError` is called for each run-time error: the filter then says no. Detectors that share an expression share its answer:
 * it is evaluated once for the variables of a subject.
 */
export function compileFilter(expression: string, subject: FilterSubject, onError: () => void): CompiledFilter {
  if (expression.length > MAX_CHARACTERS) return { problem: `is longer than ${MAX_CHARACTERS} characters` };
  const judge = judgeOf(expression, subject);
  if (typeof judge === 'string') return { problem: judge };
  return {
    filter: (variables) => {
      const verdict = judge(variables);
      if (verdict === 'fails') onError();
      return verdict === 'yes';
    },
  };
}

type Judge = (variables: FilterVariables) => 'yes' | 'no' | 'fails';

/** By subject and expression. What is not in use any more goes when there are too many. */
const judges = new Map<string, Judge>();
const MAX_JUDGES = 1_000;

/** A text: what is wrong with it. */
function judgeOf(expression: string, subject: FilterSubject): Judge | string {
  const name = `${subject}/${expression}`;
  const known = judges.get(name);
  if (known !== undefined) return known;
  const environment = environments[subject];
  const problem = check(environment, expression);
  if (problem !== null) return problem;
  if (judges.size >= MAX_JUDGES) judges.clear();
  const judge = remembering(environment.parse(expression));
  judges.set(name, judge);
  return judge;
}

/** One answer is remembered: the detectors ask about one subject after the other. */
function remembering(evaluate: (variables: Record<string, unknown>) => unknown): Judge {
  let asked: FilterVariables | null = null;
  let verdict: ReturnType<Judge> = 'no';
  return (variables) => {
    if (variables === asked) return verdict;
    try {
      verdict = evaluate(variables as Record<string, unknown>) === true ? 'yes' : 'no';
    } catch {
      verdict = 'fails';
    }
    asked = variables;
    return verdict;
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
  return new AttemptVariables(attempt) as unknown as FilterVariables;
}

/** A filter reads few of its variables: each is made when it is asked for. */
export class AttemptVariables {
  readonly #attempt: Attempt;

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
  }

  get outcome(): string {
    return this.#attempt.fields.result?.outcome ?? '';
  }
  get code(): string {
    return this.#attempt.fields.result?.code ?? '';
  }
  get class(): string {
    return this.#attempt.fields.result?.class ?? '';
  }
  get benign(): boolean {
    return this.#attempt.fields.result?.class === 'B';
  }
  get currency(): string {
    return this.#attempt.fields.currency ?? '';
  }
  get card(): string {
    return this.#attempt.fields.card ?? '';
  }
  get brand(): string {
    return this.#attempt.fields.brand ?? '';
  }
  get funding(): string {
    return this.#attempt.fields.funding ?? '';
  }
  get country(): string {
    return this.#attempt.fields.country ?? '';
  }
  get wallet(): string {
    return this.#attempt.fields.wallet ?? '';
  }
  get customer(): string {
    return this.#attempt.fields.customer ?? '';
  }
  get email(): string {
    return this.#attempt.fields.email ?? '';
  }
  get ip(): string {
    return this.#attempt.fields.ip ?? '';
  }
  get method(): string {
    return this.#attempt.fields.method ?? '';
  }
  get amount(): bigint {
    return BigInt(this.#attempt.fields.amount ?? 0);
  }
  get kind(): string {
    return this.#attempt.kind;
  }
  get dunning(): boolean {
    return this.#attempt.dunning;
  }
  get livemode(): boolean {
    return this.#attempt.livemode;
  }
  get metadata(): Readonly<Record<string, string>> {
    return this.#attempt.fields.metadata ?? {};
  }
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
