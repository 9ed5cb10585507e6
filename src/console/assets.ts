// Styles and scripts, served by the program itself from its own folder and from the installed packages: no other host.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Hono } from 'hono';
import { notFound } from './api.ts';
import type { ConsoleEnv } from './guard.ts';

const require = createRequire(import.meta.url);

const FILES = {
  'charts.js': { type: 'text/javascript; charset=utf-8', file: new URL('./assets/charts.js', import.meta.url) },
  'console.css': { type: 'text/css; charset=utf-8', file: new URL('./assets/console.css', import.meta.url) },
  'console.js': { type: 'text/javascript; charset=utf-8', file: new URL('./assets/console.js', import.meta.url) },
  'icon.svg': { type: 'image/svg+xml', file: new URL('./assets/icon.svg', import.meta.url) },
  'uplot.css': { type: 'text/css; charset=utf-8', file: require.resolve('uplot/dist/uPlot.min.css') },
  'uplot.js': { type: 'text/javascript; charset=utf-8', file: require.resolve('uplot/dist/uPlot.iife.min.js') },
} as const;

type AssetName = keyof typeof FILES;

export type Assets = {
  readonly routes: Hono<ConsoleEnv>;
  /** The address of a file, with its hash: a browser keeps it until it changes. */
  url(name: AssetName): string;
};

/** Reads every file once. Throws if one is missing: the installation is not whole. */
export function loadAssets(): Assets {
  const loaded = new Map(
    Object.entries(FILES).map(([name, { type, file }]) => {
      const body = readFileSync(file, 'utf8');
      return [name, { type, body, hash: createHash('sha256').update(body).digest('hex').slice(0, 12) }] as const;
    }),
  );
  const routes = new Hono<ConsoleEnv>();
  routes.get('/:name', (c) => {
    const asset = loaded.get(c.req.param('name'));
    if (asset === undefined) throw notFound();
    return c.body(asset.body, 200, {
      'content-type': asset.type,
      'cache-control': c.req.query('v') === asset.hash ? 'public, max-age=31536000, immutable' : 'no-cache',
    });
  });
  return { routes, url: (name) => `/assets/${name}?v=${loaded.get(name)?.hash ?? ''}` };
}
