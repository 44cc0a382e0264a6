use serde_json::{Value, json};

use super::is_own_page;

#[test]
fn the_window_stays_on_the_embedded_page() {
    let goes_to = |url: &str| is_own_page(&url.parse().unwrap());
    let own = if cfg!(windows) {
        "http://tauri.localhost/"
    } else {
        "tauri://localhost/"
    };
    assert!(goes_to(own));
    for foreign in [
        "https://example.com/",
        "http://tauri.localhost.example.com/",
        "http://127.0.0.1:5556/",
        "file:///etc/passwd",
        "data:text/html,hello",
    ] {
        assert!(!goes_to(foreign), "{foreign}");
    }
}

#[test]
fn the_page_may_call_one_command_and_listen() {
    let capability: Value =
        serde_json::from_str(include_str!("../../capabilities/main-window.json")).unwrap();
    let least = json!([
        "allow-call",
        "core:event:allow-listen",
        "core:event:allow-unlisten"
    ]);
    assert_eq!(capability["permissions"], least);
    assert_eq!(capability["windows"], json!([super::MAIN]));
    assert!(capability.get("remote").is_none());
}

#[test]
fn the_content_policy_admits_nothing_from_outside() {
    let config: Value = serde_json::from_str(include_str!("../../tauri.conf.json")).unwrap();
    let policy = config["app"]["security"]["csp"].as_object().unwrap();
    assert_eq!(policy["default-src"], "'none'");
    assert_eq!(policy["script-src"], "'self'");
    assert_eq!(policy["style-src"], "'self'");
    for (directive, sources) in policy {
        for source in sources.as_str().unwrap().split(' ') {
            let ours = [
                "'none'",
                "'self'",
                "data:",
                "blob:",
                "ipc:",
                "http://ipc.localhost",
            ];
            let styled_attribute = directive == "style-src-attr" && source == "'unsafe-inline'";
            assert!(
                ours.contains(&source) || styled_attribute,
                "{directive} {source}"
            );
        }
    }
}
