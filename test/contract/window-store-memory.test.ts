import { createMemoryStore } from '../../src/detectors/stores/memory.ts';
import { windowStoreContract } from './window-store.ts';

windowStoreContract('memory', async () => {
  const store = createMemoryStore();
  return { store, second: async () => store, remove: async () => await store.close() };
});
