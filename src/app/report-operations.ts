// Reports of the API, and the page of a month that is over, written by itself into the data folder.
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation } from '../console/options.ts';
import type { Month, Months } from '../model/month.ts';
import { type GradesJob, type GradesJobOptions, startGradesJob } from '../tuning/grades-job.ts';
import { monthHtml } from '../tuning/month-html.ts';
import { gradesReport, missedReport, monthReport, type ReportParts, readMonth } from '../tuning/month-report.ts';

export function reportOperations(parts: ReportParts): Operation[] {
  return [
    {
      method: 'GET',
      path: '/report',
      run: async ({ query, signal }) => ({
        status: 200,
        body: await monthReport(parts, readMonth(query, parts.clock.now()), signal),
      }),
    },
    {
      method: 'GET',
      path: '/grades',
      run: async ({ signal }) => ({ status: 200, body: await gradesReport(parts, signal) }),
    },
    {
      method: 'GET',
      path: '/missed',
      run: async ({ signal }) => ({ status: 200, body: await missedReport(parts, signal) }),
    },
  ];
}

/** `report-2026-10.html` in the folder, once; not for a month of which nothing is known. */
async function keepMonth(parts: ReportParts, month: string, folder: string): Promise<string | null> {
  const file = join(folder, `report-${month}.html`);
  if (existsSync(file)) return null;
  const report: Month = await monthReport(parts, month);
  if (report.scopes.length === 0) return null;
  writeFileSync(`${file}.part`, monthHtml(report));
  renameSync(`${file}.part`, file);
  return file;
}

export type GradesOptions = GradesJobOptions & { readonly dataFolder: string };

export type Grades = GradesJob & {
  /** Months that are over, for the outputs. */
  readonly months: Months;
};

/** Totals and grades every hour; the page of a month once it is over. */
export function startGrades({ dataFolder, ...options }: GradesOptions): Grades {
  const listeners = new Set<() => void>();
  let over: string | null = null;
  const job = startGradesJob({
    ...options,
    monthEnded: async (month) => {
      over = month;
      for (const listener of listeners) listener();
      const file = await keepMonth(options, month, dataFolder);
      if (file !== null) options.logger.info({ month, file }, 'the month of fraud is written');
    },
  });
  return {
    ...job,
    months: {
      over: () => over,
      report: async (month, signal) => await monthReport(options, month, signal),
      subscribe: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
  };
}
