import { emmett } from './emmett.js'
import type { OpenEventStore } from './event-store.js'
import type { FollowFeed } from './feed.js'
import { followEmmett } from './follow-emmett.js'
import { followPlain } from './follow-plain.js'
import { followRillflow } from './follow-rillflow.js'
import { plainPg } from './plain-pg.js'
import { rillflow } from './rillflow.js'

/** Who writes, and who reads in another process. */
export interface Feed {
  readonly open: OpenEventStore
  readonly follow: FollowFeed
}

/** The feeds under test, by the name that the reader's process is given. */
export const feeds: Readonly<Record<string, Feed>> = {
  rillflow: { open: rillflow, follow: followRillflow },
  emmett: { open: emmett, follow: followEmmett },
  'pg, polling': { open: plainPg, follow: followPlain },
}
