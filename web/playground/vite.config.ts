import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const output = '../dist/playground';

// The binary embeds what it sends: each text file only as gzip. The server
// unpacks it for the rare client that does not take gzip.
function keepCompressed(): Plugin {
  return {
    name: 'keep-compressed',
    apply: 'build',
    async closeBundle() {
      for (const entry of await readdir(output, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(js|css|svg)$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        await writeFile(path + '.gz', gzipSync(await readFile(path), { level: 9 }));
        await rm(path);
      }
    },
  };
}

export default defineConfig({
  base: './', // relative: the page may be mounted anywhere
  build: {
    outDir: output,
    emptyOutDir: true,
    chunkSizeWarningLimit: 6000, // Monaco and Plotly are what they are
    modulePreload: { polyfill: false },
    rolldownOptions: {
      onLog(level, log, handler) {
        // "use client" means something to React servers only.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handler(level, log);
      },
    },
  },
  worker: { format: 'es' },
  plugins: [keepCompressed()],
});
