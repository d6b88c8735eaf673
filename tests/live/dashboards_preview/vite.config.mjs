import { defineConfig } from 'vite';

export default defineConfig({
  define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
  resolve: { dedupe: ['react', 'react-dom', '@grafana/data', '@grafana/schema'] },
  build: { minify: false, chunkSizeWarningLimit: 99999, assetsInlineLimit: 0 },
});
