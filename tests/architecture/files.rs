//! Length of files.

use crate::tree::{assert_none, files, read, root};

/// Most lines of a source file, tests included.
const LONGEST: usize = 800;

const SOURCES: [&str; 9] = [
    ".rs", ".ts", ".js", ".mjs", ".svelte", ".css", ".html", ".sh", ".sql",
];

/// Generated files say so in their first line.
fn is_written_here(first_line: &str) -> bool {
    !first_line.contains("Do not edit")
}

fn too_long(name: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    let ours = is_written_here(text.lines().next().unwrap_or_default());
    (ours && lines > LONGEST).then(|| format!("{name}: {lines} lines"))
}

#[test]
fn no_source_file_is_too_long() {
    let root = root();
    let mut sources = files(&root, &SOURCES);
    sources.push(root.join("dev"));
    let findings: Vec<_> = sources
        .iter()
        .filter_map(|file| too_long(&file.display().to_string(), &read(file)))
        .collect();
    assert_none("Over 800 lines; split by noun, not by size", &findings);
}

#[test]
fn a_long_file_is_found_and_a_generated_one_is_not() {
    let at_the_limit = "line\n".repeat(LONGEST);
    assert_eq!(too_long("a.rs", &at_the_limit), None);
    assert_eq!(
        too_long("a.rs", &format!("{at_the_limit}one")),
        Some("a.rs: 801 lines".into())
    );
    assert_eq!(
        too_long(
            "a.ts",
            &format!("// Generated. Do not edit.\n{at_the_limit}")
        ),
        None
    );
}
