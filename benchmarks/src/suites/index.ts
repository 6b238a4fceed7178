import type { Suite } from '../harness/suite.js'
import { aggregatesExecute } from './aggregates/execute.js'
import { aggregatesGrown } from './aggregates/grown.js'
import { aggregatesHot } from './aggregates/hot.js'
import { aggregatesLoad } from './aggregates/load.js'
import { documentsFind } from './documents/find.js'
import { documentsGet } from './documents/get.js'
import { documentsImport } from './documents/import.js'
import { documentsBulk, documentsPut } from './documents/put.js'
import { documentsQuery } from './documents/query.js'
import { documentsReplace } from './documents/replace.js'
import { append1, append10 } from './events/append.js'
import { growth } from './events/growth.js'
import { importCopy } from './events/import.js'
import { load } from './events/load.js'
import { saturated } from './events/saturated.js'
import { memory, scan } from './events/scan.js'
import { wakeUp } from './events/wake-up.js'
import { wakeUpCost } from './events/wake-up-cost.js'
import { projectionsAsync } from './projections/async.js'
import { projectionsInline } from './projections/inline.js'
import { projectionsRebuild } from './projections/rebuild.js'
import { subscriptionsDeliver } from './subscriptions/deliver.js'

/** Every suite, in the order they run. */
export const suites: readonly Suite[] = [
  append1,
  append10,
  saturated,
  wakeUpCost,
  load,
  scan,
  memory,
  growth,
  importCopy,
  wakeUp,
  aggregatesLoad,
  aggregatesGrown,
  aggregatesExecute,
  aggregatesHot,
  projectionsAsync,
  projectionsRebuild,
  projectionsInline,
  subscriptionsDeliver,
  documentsGet,
  documentsPut,
  documentsReplace,
  documentsBulk,
  documentsFind,
  documentsQuery,
  documentsImport,
]
