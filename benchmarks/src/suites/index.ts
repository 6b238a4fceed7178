import type { Suite } from '../harness/suite.js'
import { append1, append10 } from './append.js'
import { growth } from './growth.js'
import { importCopy } from './import.js'
import { load } from './load.js'
import { saturated } from './saturated.js'
import { memory, scan } from './scan.js'
import { wakeUp } from './wake-up.js'
import { wakeUpCost } from './wake-up-cost.js'

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
]
