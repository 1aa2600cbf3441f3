import { storeContract } from '../contract/store-contract.ts'
import { createMemoryStore } from './simulator/memory-store.ts'

const store = createMemoryStore()
storeContract("the simulator's memory", { open: async () => store, runs: 30 })
