//! What manifests name: lints for every package, and no dependency without a use.

use crate::tree::{Kind, Package, assert_none, files, packages, read, root};

/// Files that may use a dependency of each kind.
fn sources(package: &Package, kind: Kind) -> String {
    let build_script = package.folder.join("build.rs");
    let texts: Vec<_> = files(&package.folder, &[".rs"])
        .into_iter()
        .filter(|file| (*file == build_script) == (kind == Kind::Build))
        .map(|file| read(&file))
        .collect();
    texts.join("\n")
}

/// Dependencies that only generated code mentions, or that are named for their features alone:
/// listed in the manifest with the reason beside them, as
/// `[package.metadata.conclave] used-indirectly = ["..."]`.
fn used_indirectly(package: &Package) -> Vec<String> {
    let list = package.manifest["package"]
        .get("metadata")
        .and_then(|metadata| metadata.get("conclave")?.get("used-indirectly")?.as_array());
    list.into_iter()
        .flatten()
        .filter_map(|name| Some(name.as_str()?.to_owned()))
        .collect()
}

/// Whether the name stands in the text as a word of its own, comments aside.
fn mentions(text: &str, word: &str) -> bool {
    let is_part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .any(|line| {
            line.match_indices(word).any(|(at, _)| {
                !line[..at].ends_with(is_part_of_word)
                    && !line[at + word.len()..].starts_with(is_part_of_word)
            })
        })
}

#[test]
fn every_dependency_is_used() {
    let mut findings = Vec::new();
    for package in packages() {
        let exempt = used_indirectly(&package);
        for kind in [Kind::Normal, Kind::Build, Kind::Development] {
            let text = sources(&package, kind);
            for name in package.dependencies(kind) {
                if !exempt.contains(&name) && !mentions(&text, &name.replace('-', "_")) {
                    findings.push(format!("{}: {name} ({kind:?})", package.name));
                }
            }
        }
    }
    assert_none("Dependencies that no source mentions", &findings);
}

#[test]
fn every_shared_dependency_is_used_by_a_package() {
    let workspace: toml::Table = read(&root().join("Cargo.toml")).parse().unwrap();
    let used: Vec<_> = packages()
        .iter()
        .flat_map(|package| {
            [Kind::Normal, Kind::Build, Kind::Development].map(|kind| package.dependencies(kind))
        })
        .flatten()
        .collect();
    let shared = workspace["workspace"]["dependencies"].as_table().unwrap();
    let findings: Vec<_> = shared
        .keys()
        .filter(|name| !used.contains(name))
        .cloned()
        .collect();
    assert_none(
        "Dependencies of the workspace that no package names",
        &findings,
    );
}

#[test]
fn every_library_of_the_page_is_used() {
    let folder = root().join("ui");
    let manifest: serde_json::Value =
        serde_json::from_str(&read(&folder.join("package.json"))).unwrap();
    let endings = [".ts", ".js", ".svelte", ".css", ".html"];
    let texts: Vec<_> = files(&folder.join("src"), &endings)
        .iter()
        .map(|file| read(file))
        .collect();
    let findings: Vec<_> = manifest["dependencies"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| !texts.iter().any(|text| text.contains(name.as_str())))
        .cloned()
        .collect();
    assert_none(
        "Libraries in ui/package.json that no source mentions",
        &findings,
    );
}

#[test]
fn every_package_has_the_lints_of_the_workspace() {
    let has_lints = |package: &Package| {
        let lints = package
            .manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        lints.and_then(|lints| lints.as_bool()) == Some(true)
    };
    let findings: Vec<_> = packages()
        .into_iter()
        .filter(|package| !has_lints(package))
        .map(|package| package.name)
        .collect();
    assert_none("Packages without `[lints] workspace = true`", &findings);
}

#[test]
fn a_mention_is_a_word_outside_comments() {
    assert!(mentions("use hex;", "hex"));
    assert!(mentions("    let id = hex::encode(bytes);", "hex"));
    assert!(!mentions("let hexagon = to_hex();", "hex"));
    assert!(!mentions("    // hex::encode", "hex"));
}
