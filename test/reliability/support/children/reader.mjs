// Follows a feed while others write and records what it sees; after the parent's word that all is written, reads to the end.
import { setTimeout as sleep } from 'node:timers/promises'
import { openFeed } from './feeds.mjs'
import { Random } from './random.mjs'
import { recordTo } from './record-file.mjs'
import { runChild } from './run-child.mjs'

const pauseMs = 10
/** So often in a row a reader may find nothing after all is written: half a second for the last event to come. */
const patience = 50
const mostPolls = 100_000

runChild(async (job, parent) => {
  const feed = openFeed(job)
  const record = recordTo(job.file)
  const random = new Random(job.seed)
  // What is read before the word to begin counts as well: the cursor has passed it.
  record((await feed.next(7)).filter((event) => isWanted(event, job)))
  await parent.ready()
  const end = await follow(job, { feed, record, random, drain: () => parent.heard('drain') })
  await feed.close()
  return end
})

/** Returns the highest position seen and whether that is the last one stored. */
async function follow(job, { feed, record, random, drain }) {
  let highest = 0
  let idle = 0
  for (let poll = 0; poll < mostPolls; poll += 1) {
    // Looked up before the reading: a word that comes during it says nothing about it.
    const target = drain()?.position
    const events = await feed.next(random.between(7, 500))
    record(events.filter((event) => isWanted(event, job)))
    for (const { position } of events) highest = Math.max(highest, position)
    if (events.length > 0) idle = 0
    else if (target !== undefined) {
      if (highest >= target) return { highest, reached: true }
      idle += 1
      if (idle >= patience) return { highest, reached: false }
    }
    if (events.length === 0) await sleep(pauseMs)
  }
  return { highest, reached: false }
}

function isWanted(event, { type, streamId }) {
  return (type === undefined || event.type === type) && (streamId === undefined || event.streamId === streamId)
}
