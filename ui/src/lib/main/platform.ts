import { words } from '../words'

const mac = /mac|iphone|ipad/i.test(navigator.platform)

/** What the key for commands is called here. */
export const commandKey = mac ? words.shortcuts.keys.command : words.shortcuts.keys.ctrl
