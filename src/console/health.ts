// How the program is, as JSON: for probes, the CLI and the health page.
import type { Health, HealthPart } from './options.ts';

export type StatusJson = {
  readonly ready: boolean;
  readonly parts: readonly {
    readonly name: string;
    readonly state: HealthPart['state'];
    readonly detail: string;
    readonly cure: string;
  }[];
};

export function statusJson({ ready, parts }: Health): StatusJson {
  return {
    ready,
    parts: parts.map(({ name, state, message, help }) => ({ name, state, detail: message, cure: help })),
  };
}

/** For a probe that has no token: each part is named, and nothing is said about what it is or where. */
export function briefStatusJson({ ready, parts }: Health): StatusJson {
  return { ready, parts: parts.map(({ name, state }) => ({ name, state, detail: '', cure: '' })) };
}
