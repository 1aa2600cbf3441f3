/** The one place that knows the validation library: everybody else takes `z` from here. */
export { z } from 'zod'
