//! What a person does at a screen, in steps that a story is told with.

import { at } from "./screen.mjs";

/** How long what one person wrote may take to stand on another's screen. */
const MOMENT_SECONDS = 5;

export class Person {
  constructor(screen) {
    this.screen = screen;
    this.name = screen.name;
  }

  /** Makes a new identity and writes its phrase down; ends where that is checked. */
  async createIdentity() {
    const { screen } = this;
    await screen.see(at("first-run", { page: "choose" }));
    await screen.click("first-run-create");
    this.phrase = (await screen.see("phrase-word", { count: 12 })).map(({ text }) => text.trim());
    await screen.click("phrase-written");
  }

  /** Types the words that are asked for; ends where the network is chosen. */
  async provePhrase() {
    const { screen } = this;
    for (const { data } of await screen.see("check-word", { count: 3 })) {
      await screen.fill(at("check-word", { place: data.place }), this.phrase[Number(data.place) - 1]);
    }
    await screen.click("check-continue");
    await screen.see(at("first-run", { page: "network" }));
  }

  /** Names a node and waits for its answer; ends where the text to sign is shown. */
  async chooseNode(url) {
    const { screen } = this;
    await screen.click("network-address");
    await screen.fill("network-url", url);
    await screen.see("network-reached");
    await screen.click("network-continue");
    await screen.see("sign-text");
  }

  /** Waits until registering is over and the list is there. */
  async arrive() {
    await this.screen.see("main-window");
    const [own] = await this.screen.see("own-address");
    this.address = own.data.value;
  }

  /** The whole first run. */
  async join(url) {
    await this.createIdentity();
    await this.provePhrase();
    await this.chooseNode(url);
    await this.screen.click("register");
    await this.arrive();
  }

  async createGroup(name, people) {
    const { screen } = this;
    await screen.click("new-group");
    await screen.fill("who-input", `${people.map(({ address }) => address).join(" ")} `);
    await screen.see(at("who-chip", { standing: "reachable" }), { count: people.length });
    await screen.fill("group-name", name);
    await screen.click("create");
    await screen.see(at("open-title", { text: name }));
  }

  /** Takes in a conversation that somebody else began, by what its row shows. */
  async acceptConversation(name) {
    const { screen } = this;
    await screen.click("filter-requests");
    await screen.click(at("conversation-row", { text: name }));
    await screen.click("request-accept");
    await screen.see("composer");
    await screen.click("filter-all");
    await screen.see(at("conversation-row", { text: name }));
  }

  async open(name) {
    await this.screen.click(at("conversation-row", { text: name }));
    await this.screen.see(at("open-title", { text: name }));
  }

  /** Writes a message with the keyboard alone. */
  async write(text) {
    await this.screen.click("composer");
    await this.screen.type(text);
    await this.screen.press("Enter");
  }

  /** Writes a message and sees that it was sent. */
  async say(text) {
    await this.write(text);
    await this.screen.see(at("message", { text, own: true, delivery: "published" }));
  }

  /** Sees within a moment what somebody else wrote. */
  async reads(text) {
    await this.screen.see(at("message", { text, own: false }), { seconds: MOMENT_SECONDS });
  }

  /** Opens or closes the pane with the members. */
  async toggleDetails() {
    await this.screen.click("details");
  }

  /** Chooses a theme in the settings, and looks at them if the look has a name. */
  async chooseTheme(theme, look = null) {
    await this.screen.press("Control+,");
    await this.screen.see("settings-dialog");
    if (look !== null) await this.screen.look(look);
    await this.screen.click({ css: `label:has([data-testid="theme-${theme}"])`, text: null });
    await this.screen.press("Escape");
    await this.screen.gone("settings-dialog");
  }
}
