import type { Round } from './suite.js'

/** What the run asks of a contender's process. */
export type Request =
  | { readonly kind: 'open'; readonly url: string; readonly scale: number }
  | { readonly kind: 'round'; readonly caseName: string; readonly seconds: number }
  | { readonly kind: 'close' }

/** Its answer; one for each request, in order. */
export type Answer =
  { readonly kind: 'done'; readonly round?: Round | undefined } | { readonly kind: 'failed'; readonly message: string }
