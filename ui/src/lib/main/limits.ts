/** The most people in a group, ourselves included. */
export const MOST_MEMBERS = 400
