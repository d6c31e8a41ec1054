// node driver.js SECONDS: nanoseconds of one hit in memory, of 1,000 keys in turn. The memory layer alone, as quick as it is.
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'

const window = Number(process.argv[2]) * 1e9
const bento = new BentoCache({
  default: 'memory',
  stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: 10_000, serialize: false })) },
})
const keys = Array.from({ length: 1000 }, (_, i) => `products:page:${i}:limit:20`)
for (const key of keys) await bento.getOrSet({ key, ttl: '1h', factory: () => 'value of ' + key })
const fail = () => { throw new Error('not a hit') }

async function run(time) {
  const since = process.hrtime.bigint()
  let hits = 0, length = 0, elapsed
  do {
    for (const key of keys) length += (await bento.getOrSet({ key, ttl: '1h', factory: fail })).length
    hits += keys.length
    elapsed = Number(process.hrtime.bigint() - since)
  } while (elapsed < time)
  return elapsed / hits
}

await run(window)
console.log((await run(window)).toFixed(2))
await bento.disconnectAll()
