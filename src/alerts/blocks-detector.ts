// A detector under a notice: its name with a link, and what a button about a version of it carries. Pure.
import { safe } from './blocks-inert.ts';

const NAME = /^[\w.-]{1,100}$/;
const VALUE = /^([\w.-]{1,100}):(\d{1,9})$/;

/** Only names of this form go into addresses and buttons. */
export const isPlainName = (detector: string): boolean => NAME.test(detector);

export function detectorLink(detector: string, consoleUrl: string): string {
  const name = safe(detector, 64);
  return isPlainName(detector) ? `<${consoleUrl}/detectors/${detector}|${name}>` : name;
}

export type DetectorVersion = { readonly detector: string; readonly version: number };

export const versionValue = ({ detector, version }: DetectorVersion): string => `${detector}:${version}`;

/** Null for what this program did not write. */
export function readVersionValue(value: string): DetectorVersion | null {
  const [, detector, version] = VALUE.exec(value) ?? [];
  return detector === undefined ? null : { detector, version: Number(version) };
}
