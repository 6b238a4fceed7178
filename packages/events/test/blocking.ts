export { backendOf, untilBlockedBy } from './support/blocking.js'
