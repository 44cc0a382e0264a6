import { en } from './en'

/** Every text a person sees. Further languages have the same shape as English. */
export const words = en
