//! `serve`: a page's first run and its conversations, and who is not let in.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        self, Message,
        client::IntoClientRequest as _,
        http::{HeaderValue, header::ORIGIN},
    },
};

use crate::world::{PATIENCE, Person, Started, World, assert_ns, text};

type Socket = WebSocketStream<TcpStream>;

/// The program that serves a person, and its address and token.
pub(crate) struct Bridge {
    pub(crate) program: Started,
    url: String,
    token_file: PathBuf,
}

impl Bridge {
    pub(crate) fn start(person: &Person) -> Self {
        Self::start_with(person, &[])
    }

    fn start_with(person: &Person, more: &[&str]) -> Self {
        let token_file = person.folder.path().join("token");
        let path = token_file.to_str().unwrap().to_owned();
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--token-file", &path];
        let program = person.start(&[&arguments, more].concat());
        let ready = program.next();
        assert_eq!(ready["event"], json!("ready"));
        let url = text(&ready["url"]);
        assert!(url.starts_with("ws://127.0.0.1:"), "{url}");
        Self {
            program,
            url,
            token_file,
        }
    }

    fn token(&self) -> String {
        std::fs::read_to_string(&self.token_file).unwrap()
    }

    async fn connect(&self, origin: Option<&str>) -> Result<Socket, tungstenite::Error> {
        let address = self.url.strip_prefix("ws://").unwrap();
        let mut request = self.url.as_str().into_client_request().unwrap();
        if let Some(origin) = origin {
            request
                .headers_mut()
                .insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        let stream = TcpStream::connect(address).await.unwrap();
        client_async(request, stream)
            .await
            .map(|(socket, _)| socket)
    }

    pub(crate) async fn page(&self) -> Page {
        let socket = self.connect(Some("http://localhost:5173")).await.unwrap();
        let mut page = Page {
            socket,
            next_id: 1,
            events: Vec::new(),
        };
        page.send(json!({ "token": self.token() })).await;
        assert_eq!(page.frame().await, Some(json!({ "ready": true })));
        page
    }
}

/// A page that was let in.
pub(crate) struct Page {
    socket: Socket,
    next_id: u64,
    events: Vec<Value>,
}

impl Page {
    async fn send(&mut self, frame: Value) {
        self.socket
            .send(Message::text(frame.to_string()))
            .await
            .unwrap();
    }

    /// The next frame; `None` when the bridge has closed the socket.
    async fn frame(&mut self) -> Option<Value> {
        match timeout(PATIENCE, self.socket.next())
            .await
            .expect("the bridge says nothing")
        {
            Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).unwrap()),
            _ => None,
        }
    }

    async fn begin(&mut self, command: &str, args: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(json!({ "id": id, "command": command, "args": args }))
            .await;
        id
    }

    async fn answer(&mut self, id: u64) -> Result<Value, Value> {
        loop {
            let mut frame = self
                .frame()
                .await
                .expect("the bridge has closed the socket");
            if let Some(event) = frame.get_mut("event") {
                self.events.push(event.take());
                continue;
            }
            assert_eq!(frame["id"], json!(id), "{frame}");
            return match frame.get_mut("error") {
                Some(error) => Err(error.take()),
                None => Ok(frame["result"].take()),
            };
        }
    }

    pub(crate) async fn call(&mut self, command: &str, args: Value) -> Value {
        let id = self.begin(command, args).await;
        self.answer(id)
            .await
            .unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    pub(crate) async fn refused(&mut self, command: &str, args: Value) -> String {
        let id = self.begin(command, args).await;
        text(&self.answer(id).await.expect_err(command)["code"])
    }

    /// The next event that fits.
    async fn event(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            if let Some(index) = self.events.iter().position(&fits) {
                return self.events.remove(index);
            }
            let mut frame = self
                .frame()
                .await
                .expect("the bridge has closed the socket");
            self.events.push(frame["event"].take());
        }
    }
}

/// Whether the event has this message, among others that came in the same moment.
fn tells(event: &Value, text: &str) -> bool {
    let mut messages = event["messages"].as_array().into_iter().flatten();
    messages.any(|message| message["text"] == text)
}

#[test]
fn a_page_goes_from_the_first_run_to_a_conversation() {
    let world = World::new();
    let (alix, bo) = (world.stranger(), world.person());
    let bridge = Bridge::start(&alix);
    world.runtime.block_on(async {
        let mut page = bridge.page().await;
        let status = page.call("status", json!({})).await;
        assert_eq!(
            (&status["stage"], &status["account"]),
            (&json!("empty"), &json!(null))
        );

        let node = json!({ "node": { "kind": "address", "url": world.url } });
        assert_eq!(
            page.call("network_check", node.clone()).await["url"],
            json!(world.url)
        );
        assert_eq!(
            page.refused("registration_preview", node.clone()).await,
            "no_wallet"
        );
        let built_in = json!({ "node": { "kind": "built_in" } });
        assert_eq!(
            page.refused("network_check", built_in).await,
            "node_required"
        );
        let wallet = page.call("wallet_create", json!({})).await;
        assert_eq!(wallet["recovery_phrase"].as_array().unwrap().len(), 12);
        let preview = page.call("registration_preview", node.clone()).await;
        assert_eq!(preview["address"], wallet["address"]);
        assert!(text(&preview["signature_text"]).starts_with("XMTP : Authenticate to inbox"));
        let account = page.call("register", node.clone()).await;
        assert_eq!(account["inbox_id"], preview["inbox_id"]);
        // The installation that the text named is the one that was registered.
        let installation = text(&account["installation_id"]);
        assert!(text(&preview["signature_text"]).contains(&installation));
        for step in ["upload_key_package", "publish_identity", "first_sync"] {
            let done = json!({ "event": "registration", "step": step, "state": "done" });
            page.event(|event| *event == done).await;
        }
        assert_eq!(page.refused("register", node).await, "account_exists");
        page.event(|event| event["connection"] == json!("online"))
            .await;

        let created = page
            .call(
                "group_create",
                json!({ "who": [bo.address()], "name": "Tea" }),
            )
            .await;
        assert_eq!(created["failed"], json!([]));
        let id = text(&created["conversation"]["id"]);
        // Told when it is known how many there are, and again when they are in.
        for done in [0, 1] {
            let progress = page
                .event(|event| event["event"] == json!("progress"))
                .await;
            assert_eq!(progress["operation"], json!("group_create"));
            assert_eq!(
                (&progress["done"], &progress["total"]),
                (&json!(done), &json!(1))
            );
        }

        // Commands answer when the message is stored; events tell that it is out.
        let named = json!({ "conversation_id": id, "text": "Hello Bo" });
        let sent = page.call("message_send", named).await;
        assert_eq!(sent["delivery"], json!("unpublished"));
        page.event(|event| {
            event["messages"].as_array().is_some_and(|messages| {
                messages.iter().any(|message| {
                    message["id"] == sent["id"] && message["delivery"] == json!("published")
                })
            })
        })
        .await;
        assert_eq!(bo.texts(&id), ["Hello Bo"]);

        // And what others write comes by itself.
        bo.run(&["group", "send", &id, "Hello Alix"]);
        let event = page.event(|event| tells(event, "Hello Alix")).await;
        assert_eq!(event["conversation_id"], json!(id));
        page.event(|event| event["conversation"]["unread_count"] == json!(1))
            .await;

        let page_of = page.call("conversation_list", json!({ "limit": 50 })).await;
        assert_eq!(page_of["total_unread"], json!(1));
        assert_eq!(page_of["items"][0]["preview"]["text"], json!("Hello Alix"));
        assert_eq!(page_of["next"], json!(null));
        let read = page
            .call("conversation_mark_read", json!({ "conversation_id": id }))
            .await;
        assert_eq!(read["unread_count"], json!(0));

        let listed = json!({ "conversation_id": id, "limit": 1 });
        let newest = page.call("message_list", listed.clone()).await;
        assert_eq!(newest["items"][0]["text"], json!("Hello Alix"));
        let mut older = listed;
        older["anchor"] = json!({ "at": "before", "position": newest["older"] });
        let older = page.call("message_list", older).await;
        assert_eq!(older["items"][0]["text"], json!("Hello Bo"));
    });
    assert_eq!(bridge.program.stop("TERM").code(), Some(0));
    // The last is the receipt for what was read.
    assert_eq!(alix.texts_offline(), ["Hello Bo", "Hello Alix", "Read"]);
}

#[test]
fn pages_hear_nothing_of_a_blocked_person_and_of_what_was_deleted() {
    let world = World::new();
    let (alix, bo, caro) = (world.person(), world.person(), world.person());
    let tea = text(&alix.run(&["group", "create", "--name", "Tea", &bo.address()])["id"]);
    let spam = text(&caro.run(&["group", "create", "--name", "Spam", &bo.address()])["id"]);
    bo.run(&["conversation", "sync-all"]);
    let bridge = Bridge::start(&bo);
    world.runtime.block_on(async {
        let mut page = bridge.page().await;
        // It may have been reached before the page was there.
        if page.call("status", json!({})).await["connection"] != json!("online") {
            page.event(|event| event["connection"] == json!("online"))
                .await;
        }
        let blocked = json!({ "inbox_id": caro.inbox_id(), "state": "denied" });
        let answer = page.call("inbox_consent_set", blocked).await;
        assert_eq!(answer["state"], json!("denied"));
        let told = page.event(|event| event["event"] == json!("consent")).await;
        assert_eq!(
            told,
            json!({ "event": "consent", "entity": "inbox", "id": caro.inbox_id(), "state": "denied" })
        );
        let row = page.event(|event| event["conversation"]["id"] == json!(spam)).await;
        assert_eq!(row["conversation"]["consent"], json!("denied"));

        let of_tea = json!({ "conversation_id": tea });
        let details = page.call("request_details", of_tea.clone()).await;
        assert_eq!(
            (&details["added_by"]["inbox_id"], &details["member_count"]),
            (&json!(alix.inbox_id()), &json!(2))
        );
        page.call("conversation_delete", of_tea).await;
        let told = page
            .event(|event| event["event"] == json!("conversation_deleted"))
            .await;
        assert_eq!(told["conversation_id"], json!(tea));

        // The row of Caro's group moves, so her message is in; it is not told. Alix' is.
        caro.run(&["group", "send", &spam, "Buy this"]);
        page.event(|event| event["conversation"]["preview"]["text"] == json!("Buy this"))
            .await;
        alix.run(&["group", "send", &tea, "Tea at five"]);
        page.event(|event| tells(event, "Tea at five"))
            .await;
        page.event(|event| event["conversation"]["id"] == json!(tea)).await;
        let mut left = page.events.iter();
        assert!(!left.any(|event| tells(event, "Buy this")));

        let list = json!({ "state": "denied" });
        let denied = page.call("inbox_consent_list", list).await;
        assert_eq!(denied[0]["addresses"], json!([caro.address()]));
    });
    assert_eq!(bridge.program.stop("TERM").code(), Some(0));
}

#[test]
fn wrong_calls_are_answered_and_wrong_frames_end_the_connection() {
    let world = World::new();
    let alix = world.person();
    let bridge = Bridge::start(&alix);
    world.runtime.block_on(async {
        let mut page = bridge.page().await;
        assert_eq!(page.refused("fly", json!({})).await, "unknown_command");
        assert_eq!(
            page.refused("message_send", json!({})).await,
            "invalid_arguments"
        );
        assert_eq!(
            page.refused("conversation_list", json!({ "limit": -1 }))
                .await,
            "invalid_arguments"
        );
        let unknown = json!({ "conversation_id": "00".repeat(16) });
        assert_eq!(
            page.refused("conversation_get", unknown).await,
            "unknown_conversation"
        );

        // Many at once are all answered, each under its own number.
        let mut waiting = std::collections::BTreeSet::new();
        for _ in 0..100 {
            waiting.insert(page.begin("status", json!({})).await);
        }
        while !waiting.is_empty() {
            let frame = page.frame().await.unwrap();
            if let Some(id) = frame["id"].as_u64() {
                assert!(waiting.remove(&id), "{frame}");
            }
        }
        page.send(json!(["no", "command"])).await;
        while let Some(frame) = page.frame().await {
            assert!(frame.get("event").is_some(), "{frame}");
        }

        let mut page = bridge.page().await;
        page.socket
            .send(Message::text("x".repeat(136 * 1024 * 1024 + 1)))
            .await
            .ok();
        while let Some(frame) = page.frame().await {
            assert!(frame.get("event").is_some(), "{frame}");
        }
    });
    assert_eq!(bridge.program.stop("INT").code(), Some(0));
}

#[test]
fn nobody_gets_in_without_the_token() {
    let world = World::new();
    let alix = world.person();
    let bridge = Bridge::start(&alix);
    let mode = std::fs::metadata(&bridge.token_file)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    world.runtime.block_on(async {
        let half: String = bridge.token().chars().take(32).collect();
        for first in [
            json!({ "token": "0".repeat(64) }),
            json!({ "token": half }),
            json!({ "token": "" }),
            json!({}),
            json!({ "id": 1, "command": "status", "args": {} }),
        ] {
            let socket = bridge.connect(None).await.unwrap();
            let mut page = Page {
                socket,
                next_id: 1,
                events: Vec::new(),
            };
            page.send(first.clone()).await;
            assert_eq!(page.frame().await, None, "{first}");
        }
        for origin in ["https://evil.example", "http://localhost.evil.example"] {
            let refused = bridge.connect(Some(origin)).await;
            let Err(tungstenite::Error::Http(response)) = refused else {
                panic!("{origin}")
            };
            assert_eq!(response.status(), 403);
        }
        for origin in ["null", "http://127.0.0.1:4173", "tauri://localhost"] {
            bridge.connect(Some(origin)).await.unwrap();
        }
    });
    // A page of a later run finds the same token.
    let token = bridge.token();
    assert_eq!(bridge.program.stop("TERM").code(), Some(0));
    let again = Bridge::start(&alix);
    assert_eq!(again.token(), token);
    assert_eq!(again.program.stop("TERM").code(), Some(0));
}

#[test]
fn a_node_that_is_named_stands_for_the_built_in_one() {
    let world = World::new();
    let alix = world.stranger();
    let bridge = Bridge::start_with(&alix, &["--node", &world.url]);
    world.runtime.block_on(async {
        let mut page = bridge.page().await;
        let key = json!({ "kind": "private_key", "secret": "01".repeat(32) });
        page.call("wallet_import", key).await;
        let built_in = json!({ "node": { "kind": "built_in" } });
        assert_eq!(
            page.call("network_check", built_in.clone()).await["url"],
            json!(world.url)
        );
        let account = page.call("register", built_in).await;
        assert_eq!(account["node"], json!("built-in"));
    });
    assert_eq!(bridge.program.stop("TERM").code(), Some(0));

    assert_eq!(alix.account()["node"], json!("built-in"));
    assert_eq!(alix.list(&["--offline", "conversation", "list"]).len(), 0);
    assert_eq!(
        alix.refused(&["conversation", "sync"]),
        (1, "node_required".into())
    );
    alix.run(&["--node", &world.url, "conversation", "sync"]);
}

#[test]
fn what_was_shown_is_what_is_signed() {
    let world = World::new();
    let elsewhere = World::new();
    let alix = world.stranger();
    let bridge = Bridge::start(&alix);
    world.runtime.block_on(async {
        let mut page = bridge.page().await;
        let node = |url: &str| json!({ "node": { "kind": "address", "url": url } });
        page.call("wallet_create", json!({})).await;
        page.call("registration_preview", node(&elsewhere.url))
            .await;
        let refused = page.refused("register", node(&world.url)).await;
        assert_eq!(refused, "preview_outdated");
        assert_eq!(
            page.call("status", json!({})).await["stage"],
            json!("empty")
        );
        let preview = page.call("registration_preview", node(&world.url)).await;
        let account = page.call("register", node(&world.url)).await;
        let installation = text(&account["installation_id"]);
        assert!(text(&preview["signature_text"]).contains(&installation));
    });
    assert_eq!(bridge.program.stop("TERM").code(), Some(0));
}

#[test]
fn the_bridge_stays_on_this_computer() {
    let world = World::new();
    let alix = world.person();
    let token_file = alix.folder.path().join("token");
    let refused = alix.refused(&[
        "serve",
        "--listen",
        "0.0.0.0:0",
        "--token-file",
        token_file.to_str().unwrap(),
    ]);
    assert_eq!(refused, (2, "wrong_usage".into()));
    assert!(!token_file.exists());
}

impl Person {
    /// Texts of the newest conversation, from the local database.
    fn texts_offline(&self) -> Vec<String> {
        let list = self.list(&["--offline", "conversation", "list", "--limit", "1"]);
        let id = text(&list[0]["id"]);
        let arguments = [
            "--offline",
            "group",
            "messages",
            &id,
            "--kind",
            "application",
        ];
        self.list(&arguments)
            .iter()
            .map(|message| text(&message["text"]))
            .collect()
    }
}

#[test]
fn a_page_revokes_a_device_whose_page_is_told() {
    let world = World::new();
    let (desk, phone, bo) = (world.stranger(), world.stranger(), world.person());
    let key = "0x".to_owned() + &"5b".repeat(32);
    for device in [&desk, &phone] {
        let file = device.folder.path().join("wallet");
        std::fs::write(&file, &key).unwrap();
        let file = file.to_str().unwrap();
        let create = ["account", "create", "--node", &world.url];
        device.run(&[&create[..], &["--private-key-file", file]].concat());
    }
    bo.run(&["group", "create", "--name", "Tea", &desk.inbox_id()]);
    let lost = text(&phone.account()["installation_id"]);
    let (of_desk, of_phone) = (Bridge::start(&desk), Bridge::start(&phone));
    world.runtime.block_on(async {
        let (mut page, mut other) = (of_desk.page().await, of_phone.page().await);
        for page in [&mut page, &mut other] {
            until_conversation(page).await;
        }
        assert_eq!(
            other.call("status", json!({})).await.get("revoked"),
            None,
            "nothing is said while nothing is wrong"
        );
        let devices = page.call("device_list", json!({})).await;
        assert_eq!(
            devices["installations"][0]["keys"],
            json!({ "kind": "unknown" })
        );
        let devices = page.call("device_list", json!({ "fresh": true })).await;
        let installations = devices["installations"].as_array().unwrap();
        assert_eq!(installations.len(), 2);
        for one in installations {
            assert_eq!(one["keys"]["kind"], json!("renewed"));
            assert_ns(&one["keys"]["at_ns"]);
        }
        assert_eq!(
            (&devices["maximum"], &devices["revoked"]),
            (&json!(10), &json!(false))
        );

        let change = json!({ "kind": "revoke_installations", "installation_ids": [lost] });
        let shown = page
            .call("inbox_change_preview", json!({ "change": change }))
            .await;
        assert_eq!(shown["revoked"], json!([lost]));
        let wallet = json!({ "kind": "wallet", "address": devices["wallets"][0] });
        assert_eq!(shown["signers"], json!([wallet]));
        assert!(text(&shown["signature_text"]).contains(&lost));
        let id = &shown["change_id"];
        let signed = |signature: Value| json!({ "change_id": id, "signature": signature });
        let apply = json!({ "change_id": id });
        for (signature, code) in [
            (json!({ "kind": "held_wallet" }), "no_wallet"),
            (json!({ "kind": "signature", "signature": "0x12" }), "wrong_signer"),
            (json!({ "kind": "signature", "signature": "no hex" }), "wrong_signer"),
            (
                json!({ "kind": "secret", "secret_kind": "private_key", "secret": "12" }),
                "invalid_private_key",
            ),
            (
                json!({ "kind": "secret", "secret_kind": "private_key", "secret": "77".repeat(32) }),
                "wrong_signer",
            ),
        ] {
            let refused = page.refused("inbox_change_sign", signed(signature)).await;
            assert_eq!(refused, code);
        }
        assert_eq!(
            page.refused("inbox_change_apply", apply.clone()).await,
            "signature_missing"
        );
        let outdated = json!({ "change_id": "another" });
        assert_eq!(
            page.refused("inbox_change_apply", outdated).await,
            "preview_outdated"
        );
        let secret = json!({ "kind": "secret", "secret_kind": "private_key", "secret": key });
        let signed = page.call("inbox_change_sign", signed(secret)).await;
        assert_eq!(signed["signers"], json!([]));
        assert_eq!(signed["signature_text"], shown["signature_text"]);
        let left = page.call("inbox_change_apply", apply.clone()).await;
        assert_eq!(left["installations"].as_array().unwrap().len(), 1);
        assert_eq!(
            page.refused("inbox_change_apply", apply).await,
            "preview_outdated"
        );
        page.event(|event| event["event"] == json!("inbox_changed"))
            .await;

        other
            .event(|event| event["event"] == json!("revoked"))
            .await;
        let status = other.call("status", json!({})).await;
        assert_eq!(
            (&status["stage"], &status["revoked"]),
            (&json!("ready"), &json!(true))
        );
        let list = other.call("conversation_list", json!({ "limit": 9 })).await;
        let id = text(&list["items"][0]["id"]);
        let send = json!({ "conversation_id": id, "text": "Still here?" });
        assert_eq!(
            other.refused("message_send", send).await,
            "installation_revoked"
        );
        let devices = other.call("device_list", json!({})).await;
        assert_eq!(devices["revoked"], json!(true));
    });
    assert!(of_desk.program.stop("TERM").success());
    assert!(of_phone.program.stop("TERM").success());
}

/// Waits until the page's list has a conversation.
async fn until_conversation(page: &mut Page) {
    let listed = page.call("conversation_list", json!({ "limit": 1 })).await;
    if listed["items"].as_array().unwrap().is_empty() {
        page.event(|event| event["event"] == json!("conversation"))
            .await;
    }
}

#[test]
fn with_ten_devices_a_page_makes_room_and_goes_on() {
    let world = World::new();
    let key = "6b".repeat(32);
    let ten: Vec<Person> = (0..10).map(|_| world.stranger()).collect();
    for device in &ten {
        let file = device.folder.path().join("wallet");
        std::fs::write(&file, &key).unwrap();
        let file = file.to_str().unwrap();
        let create = ["account", "create", "--node", &world.url];
        device.run(&[&create[..], &["--private-key-file", file]].concat());
    }
    let eleventh = world.stranger();
    let bridge = Bridge::start(&eleventh);
    world.runtime.block_on(async {
        let mut page = bridge.page().await;
        let node = json!({ "kind": "address", "url": world.url });
        let named = json!({ "node": node });
        let others = json!({ "kind": "revoke_other_installations" });
        let change = json!({ "change": others, "node": node });
        assert_eq!(
            page.refused("inbox_change_preview", change.clone()).await,
            "no_wallet"
        );
        let wallet = json!({ "kind": "private_key", "secret": key });
        page.call("wallet_import", wallet).await;
        let shown = page.call("registration_preview", named.clone()).await;
        let listed = shown["installations"].as_array().unwrap();
        assert_eq!(listed.len(), 10);
        assert_eq!(
            page.refused("register", named.clone()).await,
            "too_many_installations"
        );
        let shown = page.call("registration_preview", named.clone()).await;

        let lost = json!([shown["installations"][0]["installation_id"]]);
        let revoke = json!({ "kind": "revoke_installations", "installation_ids": lost });
        let change = json!({ "change": revoke, "node": node });
        let shown = page.call("inbox_change_preview", change).await;
        assert_eq!(shown["revoked"], lost);
        let id = &shown["change_id"];
        let held = json!({ "change_id": id, "signature": { "kind": "held_wallet" } });
        let signed = page.call("inbox_change_sign", held).await;
        assert_eq!(signed["signers"], json!([]));
        let apply = json!({ "change_id": id });
        let left = page.call("inbox_change_apply", apply).await;
        assert_eq!(left["installations"].as_array().unwrap().len(), 9);

        // What was shown before is not signed any more.
        assert_eq!(
            page.refused("register", named.clone()).await,
            "preview_outdated"
        );
        page.call("registration_preview", named.clone()).await;
        assert_eq!(
            page.call("register", named).await["registered"],
            json!(true)
        );
        let devices = page.call("device_list", json!({})).await;
        assert_eq!(devices["installations"].as_array().unwrap().len(), 10);
    });
    assert!(bridge.program.stop("TERM").success());
}

#[test]
fn a_page_moves_the_data_goes_on_there_and_begins_anew() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let id = text(&bo.run(&["dm", "create", &alix.address()])["id"]);
    let bridge = Bridge::start(&alix);
    let disk = alix.folder.path().canonicalize().unwrap().join("disk");
    world.runtime.block_on(async {
        let (mut page, mut other) = (bridge.page().await, bridge.page().await);
        let moved = page.call("data_folder_move", json!({ "path": disk })).await;
        assert_eq!(moved["path"], json!(disk));
        other.event(|event| event["event"] == "resync").await;
        // The account is as live as it was.
        bo.run(&["group", "send", &id, "Have you moved?"]);
        page.event(|event| tells(event, "Have you moved?")).await;

        page.call("local_database_delete", json!({})).await;
        other.event(|event| event["event"] == "resync").await;
        let status = other.call("status", json!({})).await;
        assert_eq!(
            (&status["stage"], &status["account"], &status["connection"]),
            (&json!("empty"), &json!(null), &json!("idle"))
        );
        other.call("wallet_create", json!({})).await;
        let node = json!({ "node": { "kind": "address", "url": world.url } });
        let account = other.call("register", node).await;
        assert_eq!(account["registered"], json!(true));
        page.event(|event| event["connection"] == "online").await;
    });
    bridge.program.stop("TERM");
    assert_eq!(alix.run(&["data", "show"])["path"], json!(disk));
}
