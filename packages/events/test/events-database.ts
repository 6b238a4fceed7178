export { added, newStore, storeOn, type TestStore, type TestStoreOptions } from './support/test-store.js'
