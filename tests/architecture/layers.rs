//! Arrows between layers point down only (ARCHITECTURE.md).

use crate::tree::{Kind, Package, assert_none, files, packages, read, root};

/// Each layer and what it may use. Development dependencies are free.
const LAYERS: [(&str, &[&str]); 13] = [
    ("conclave-proto", &[]),
    ("conclave-identity", &["conclave-proto"]),
    ("conclave-content", &["conclave-proto"]),
    ("conclave-mls", &["conclave-identity", "conclave-proto"]),
    ("conclave-network", &["conclave-proto"]),
    (
        "conclave-store",
        &[
            "conclave-content",
            "conclave-identity",
            "conclave-mls",
            "conclave-proto",
        ],
    ),
    (
        "conclave-node",
        &["conclave-identity", "conclave-mls", "conclave-proto"],
    ),
    (
        "conclave-engine",
        &[
            "conclave-content",
            "conclave-identity",
            "conclave-mls",
            "conclave-network",
            "conclave-proto",
            "conclave-store",
        ],
    ),
    ("conclave-api", &["conclave-engine"]),
    // The shells may start the built-in node, and hand the engine what only they know.
    (
        "conclave-cli",
        &["conclave-api", "conclave-engine", "conclave-node"],
    ),
    (
        "conclave",
        &["conclave-api", "conclave-engine", "conclave-node"],
    ),
    // Tests of the whole use what they need as development dependencies.
    ("conclave-architecture-tests", &[]),
    ("conclave-simulation", &[]),
];

/// What one package uses and may not.
fn forbidden_arrows(package: &str, uses: &[String]) -> Vec<String> {
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == package) else {
        return vec![format!("{package} has no place in the table of layers")];
    };
    uses.iter()
        .filter(|used| used.starts_with("conclave") && !allowed.contains(&used.as_str()))
        .map(|used| format!("{package} -> {used}"))
        .collect()
}

fn uses(package: &Package) -> Vec<String> {
    [
        package.dependencies(Kind::Normal),
        package.dependencies(Kind::Build),
    ]
    .concat()
}

#[test]
fn arrows_point_down() {
    let findings: Vec<_> = packages()
        .iter()
        .flat_map(|package| forbidden_arrows(&package.name, &uses(package)))
        .collect();
    assert_none("Forbidden arrows between layers", &findings);
}

#[test]
fn an_arrow_up_is_found() {
    let up = forbidden_arrows(
        "conclave-store",
        &["conclave-engine".into(), "serde".into()],
    );
    assert_eq!(up, ["conclave-store -> conclave-engine"]);
    let unknown = forbidden_arrows("conclave-manager", &[]);
    assert_eq!(
        unknown,
        ["conclave-manager has no place in the table of layers"]
    );
}

/// The page reaches the programs through the `Backend` interface only.
#[test]
fn only_the_backend_folder_of_the_ui_knows_the_shell() {
    let sources = root().join("ui/src");
    let backend = sources.join("lib/backend");
    let shell = ["@tauri-apps/", "new WebSocket", "fetch("];
    let mut findings = Vec::new();
    for file in files(&sources, &[".ts", ".svelte", ".js"]) {
        if file.starts_with(&backend) {
            continue;
        }
        let text = read(&file);
        for word in shell.iter().filter(|word| text.contains(**word)) {
            findings.push(format!("{}: {word}", file.display()));
        }
    }
    assert_none(
        "Outside ui/src/lib/backend, the UI knows only the Backend interface",
        &findings,
    );
}
