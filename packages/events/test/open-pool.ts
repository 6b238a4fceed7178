export { openPool } from './support/open-pool.js'
