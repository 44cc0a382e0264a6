/** The most people in a group, ourselves included. */
export const MOST_MEMBERS = 400
/** Pixels of the window from which on the permissions are a table; below, they are cards. */
export const TABLE_FROM = 640
